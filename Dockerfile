# Untested: no container engine ran where this was written.
#
#   docker build -t kdiqa .
#   docker run --rm --gpus all -v ~/datasets:/data:ro -v "$PWD/logs:/runs/logs" kdiqa \
#     train experiment=akd_demo
#
# The command's words follow the image's name, as after `kdiqa` elsewhere; without any it prints its help.
# torch's own wheels bring CUDA: the base needs no more than the driver's libraries.
FROM nvidia/cuda:12.8.1-base-ubuntu24.04

RUN apt-get update \
 && apt-get install -y --no-install-recommends python3 python3-venv \
 && rm -rf /var/lib/apt/lists/*

# Whoever owns the mounted folders: docker build --build-arg UID=$(id -u) .
ARG UID=1001
RUN useradd --create-home --uid "$UID" kdiqa \
 && mkdir -p /opt/kdiqa /runs/logs /cache \
 && chown -R kdiqa /opt/kdiqa /runs /cache
USER kdiqa

# Dependencies first: they change less often than the sources.
WORKDIR /opt/kdiqa
RUN python3 -m venv .venv
ENV PATH=/opt/kdiqa/.venv/bin:$PATH
COPY --chown=kdiqa pyproject.toml constraints.txt README.md LICENSE ./
COPY --chown=kdiqa kdiqa ./kdiqa
COPY --chown=kdiqa conf ./conf
RUN pip install --no-cache-dir -c constraints.txt .

ENV KDIQA_DATA=/data KDIQA_CACHE=/cache NO_ALBUMENTATIONS_UPDATE=1
WORKDIR /runs
VOLUME /cache
# Signals must reach Python: a run saves nothing more and says how to go on, with exit code 143.
STOPSIGNAL SIGTERM
ENTRYPOINT ["kdiqa"]
CMD ["--help"]
