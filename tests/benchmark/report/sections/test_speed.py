from benchmark.report.sections import speed
from benchmark.report.sections.section import Inputs
from benchmark.speed import Comparison, speed_table


def test_what_was_measured_is_told(results):
    assert speed.lead(Inputs.read(results.folder)) == []
    text = speed_table([Comparison("Evaluating", 0.5, "pycocotools", 1.25)], (11.5, 0.4))
    (results.folder / speed.FILE).write_text(text)
    first, training, machine = speed.lead(Inputs.read(results.folder))
    assert first == "Evaluating: 2.50 times as fast as pycocotools (500.0 ms against 1,250.0 ms)."
    assert "11.5 images per second, which is 40 %" in training and machine.startswith("Machine: ")
