"""The report's sections in the page's order."""

from benchmark.report.sections import (
    ablation,
    all_runs,
    baselines,
    errors,
    failures,
    families,
    figure3,
    figure4,
    layers,
    lost_instances,
    occlusion,
    predictions,
    progress,
    scenes,
    smoke,
    table1,
    table2,
    verdict,
)
from benchmark.report.sections.section import Section

SECTIONS: tuple[Section, ...] = (
    verdict.SECTION,
    table1.SECTION,
    occlusion.SECTION,
    lost_instances.SECTION,
    errors.SECTION,
    layers.SECTION,
    table2.SECTION,
    ablation.SECTION,
    baselines.SECTION,
    families.SECTION,
    figure3.SECTION,
    progress.SECTION,
    scenes.SECTION,
    predictions.SECTION,
    failures.SECTION,
    figure4.SECTION,
    smoke.SECTION,
    all_runs.SECTION,
)
