"""The workspace of a project on Weights & Biases: which panels stand where, whatever was logged."""

from typing import Any

CURVES: dict[str, dict[str, dict[str, Any]]] = {
    "Validation": {
        "SRCC": {"y": ["val/srcc"]},
        "PLCC, as it is and after the fit": {"y": ["val/plcc", "val/plcc_fit"]},
        "KRCC": {"y": ["val/krcc"]},
        "RMSE (lower is better)": {"y": ["val/rmse"]},
    },
    "Training": {
        "loss": {"y": ["train/loss"]},
        "learning rates": {"metric_regex": r"^optim/lr-"},
        "terms": {"metric_regex": r"^train/loss_"},
    },
    "Distillation": {
        "student and teacher on training images, SRCC": {"y": ["kd/agreement_srcc"]},
        "teacher on validation images, SRCC": {"y": ["teacher/val_srcc"]},
        "weight of distillation": {"y": ["train/weight_distill"]},
        "weights of the levels": {"metric_regex": r"^train/weight_level"},
    },
    "Speed": {
        "images a second": {"y": ["perf/img_per_s"]},
        "share of waiting": {"y": ["perf/data_wait"]},
    },
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
        shown = [
            panels.LinePlot(title=t, x="epoch", **y) for t, y in CURVES.get(title, {}).items()
        ]
        shown += [panels.MediaBrowser(title=key, media_keys=[key]) for key in MEDIA.get(title, [])]
        shown += [panels.WeavePanelSummaryTable(table_name=key) for key in TABLES.get(title, [])]
        sections.append(ws.Section(name=title, panels=shown, is_open=title != "Speed"))
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
