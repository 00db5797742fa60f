"""The workspace of a project on Weights & Biases: which panels stand where, whatever was logged."""

from typing import Any

CURVES: dict[str, dict[str, list[str] | str]] = {
    "Validation": {
        "SRCC": ["val/srcc"],
        "PLCC, as it is and after the fit": ["val/plcc", "val/plcc_fit"],
        "KRCC": ["val/krcc"],
        "RMSE (lower is better)": ["val/rmse"],
    },
    "Training": {
        "loss": ["train/loss"],
        "learning rates": r"^optim/lr-",
        "terms": r"^train/loss_",
    },
    "Distillation": {
        "student and teacher on training images, SRCC": ["kd/agreement_srcc"],
        "teacher on validation images, SRCC": ["teacher/val_srcc"],
        "weight of distillation": ["train/weight_distill"],
        "weights of the levels": r"^train/weight_level",
    },
    "Speed": {"images a second": ["perf/img_per_s"], "share of waiting": ["perf/data_wait"]},
}
"""By section and title: metrics over the epochs, or a pattern of their names."""
MEDIA = {
    "Distillation": ["kd/level_weights", "figures/teacher_and_student"],
    "Test": ["figures/score_against_opinion", "test/worst_images", "test/best_images"],
}
TABLES = {"Distillation": ["kd/both"], "Test": ["test/by_distortion", "test/worst", "test/best"]}
COLUMNS = ("summary:val/srcc_best", "summary:selected_on", "run:jobType", "run:tags")
MISSING = (
    "kdiqa board needs the package that Weights & Biases makes its workspaces with. Type:\n"
    "pip install wandb-workspaces"
)


def workspace(entity: str, project: str, name: str) -> Any:
    """Returns the workspace, ready to be saved.

    Runs stand in their groups, in them by job type: a multirun, a study or a sweep is one line.

    Args:
        entity: The user or team.
        project: Its project.
        name: Of the workspace.

    Raises:
        ModuleNotFoundError: If the package for it is missing.
    """
    try:
        import wandb_workspaces.reports.v2 as panels  # type: ignore[import-not-found]
        import wandb_workspaces.workspaces as ws  # type: ignore[import-not-found]
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(MISSING) from error
    sections = []
    for title in dict.fromkeys([*CURVES, *MEDIA]):
        made: list[Any] = [_curve(panels, *curve) for curve in CURVES.get(title, {}).items()]
        made += [panels.MediaBrowser(title=key, media_keys=[key]) for key in MEDIA.get(title, [])]
        made += [panels.WeavePanelSummaryTable(table_name=key) for key in TABLES.get(title, [])]
        sections.append(ws.Section(name=title, panels=made, is_open=title != "Speed"))
    runs = ws.RunsetSettings(
        groupby=[ws.Metric("Group"), ws.Metric("JobType")], pinned_columns=list(COLUMNS)
    )
    return ws.Workspace(
        entity=entity,
        project=project,
        name=name,
        sections=sections,
        settings=ws.WorkspaceSettings(x_axis="epoch", group_by_prefix="first"),
        runset_settings=runs,
        auto_generate_panels=True,  # custom charts, and what is logged besides, stand below
    )


def _curve(panels: Any, title: str, metrics: list[str] | str) -> Any:
    if isinstance(metrics, str):
        return panels.LinePlot(title=title, x="epoch", metric_regex=metrics)
    return panels.LinePlot(title=title, x="epoch", y=metrics)
