"""The report's words: titles, captions and notes, and which variants a plot follows."""

from dataclasses import dataclass

TITLE = "Layered embeddings and Mask\N{NO-BREAK SPACE}R\N{NON-BREAKING HYPHEN}CNN under heavy occlusion"
LEAD = (
    "Which finds whole objects better where they hide each other: pixel embeddings in two or more layers, or boxes and "
    "masks? The experiments of Liu, Psota and Pérez, measured again, from generated scenes to tables."
)

_READING = "Difference: ours minus the paper's. Bold: the best of ours in its column for this N."
_INTERVALS = "95 % intervals: bootstrap over images, 1,000 resamples."
_PAIRED = (
    "Paired bootstrap over images, 1,000 resamples: both runs on the same resampled images. p: two-sided. One training "
    "run a side: the intervals say nothing of what another seed would give."
)

PAIRED_SIDES = {
    "sides": ("embedding", "Mask R-CNN"),
    "any-nms": ("embedding", "Mask R-CNN"),
    "baselines": ("other model", "Mask R-CNN"),
    "layers": ("more layers", "fewer layers"),
}
"""Kind of comparison -> what is compared with what."""

TABLE_TITLES = {
    "table1": "Table 1: embeddings against Mask R-CNN",
    "table2": "Table 2: masks made from L layers of ground truth",
    "ablation": "Ablation: ground truth in place of one part",
    "paired-sides": "Embedding minus best Mask R-CNN of Table 1",
    "paired-any-nms": "Embedding minus best Mask R-CNN, any NMS and detection protocol",
    "paired-baselines": "Other models minus the Mask R-CNN of Table 1",
    "paired-layers": "More layers minus fewer",
    "families": "NMS variants and detection protocols, each at its best threshold",
    "layers": "Layers: trained models and what so many layers can hold",
    "errors": "What costs average precision",
    "lost-instances": "What becomes of the instances: found, suppressed, cut off, beyond the layers, never found",
    "figure3": "Fig. 3: embedding channels C and instances per image",
    "progress": "Each model from budget to budget",
    "smoke": "Smoke tests",
    "runs": "Every run and variant",
}

TABLE_NOTES = {
    "table1": (
        _READING,
        _INTERVALS,
        "AR none, partial, heavy: recall of instances with occlusion rate 0, up to 0.25, and above. The paper prints "
        "AP over two of these columns; recall is what its text and code mean.",
        "The paper's networks start from pretrained weights (Mask R-CNN from COCO) and see 100,000 images. The "
        "footnotes say what ours start from and saw; models are compared only within one budget.",
    ),
    "table2": (
        "Layers of ground truth have no scores of their own: each mask is scored by its IoU with its instance. AR does "
        "not depend on scores; AP does, and the paper does not say which it used.",
        _READING,
        _INTERVALS,
    ),
    "ablation": (
        "One part of a trained model replaced by the ground truth. The paper's numbers for ground-truth clustering are "
        "those of its Table 2 with two layers.",
        _READING,
        _INTERVALS,
    ),
    "paired-sides": (
        _PAIRED,
        "For each metric the embedding stands against the NMS threshold that is best in this very metric, chosen on "
        "the evaluation images: the difference leans towards Mask R-CNN.",
    ),
    "paired-any-nms": (
        _PAIRED,
        "For each metric the embedding stands against the best of all thresholds, kinds of NMS and limits on "
        "detections whose predictions are kept, up to 1,000 detections in an image, chosen on the evaluation images.",
    ),
    "families": (
        "The threshold is chosen on the evaluation images, for each alike. Bold: the best in its column for this N.",
        _INTERVALS,
    ),
    "paired-baselines": (_PAIRED, "Each by the variant of Table 1, such as an NMS threshold, with its highest AP."),
    "paired-layers": (_PAIRED,),
    "layers": (
        "Oracle: as many layers of ground truth (Table 2). Reached: the trained model's number as a share of it.",
        _INTERVALS,
    ),
    "errors": (
        "At IoU 0.5. Lost AP50: what would be gained if this kind alone were repaired; share: of all that is lost. "
        "Repairs overlap in their effect, so shares need not sum to 100 %.",
        "Missed: no detection comes near the instance. Merged: a detection holds a second instance beside its own. "
        "Split: several detections share one instance. Duplicate: one more detection of an instance that is found. "
        "Poor mask: the right instance at an IoU below 0.5. Background: anything else.",
        "Instances: without a match because of this kind. False positives: detections of this kind.",
    ),
    "lost-instances": (
        "Shares of all instances, below of those that are not hidden, hidden by up to 0.25, and by more. Found: "
        "matched by a detection at IoU 0.5. Every other instance is lost for one reason, the first that holds.",
        "Suppressed: a variant within the same limits on detections that suppresses less finds it. Cut off: a variant "
        "within wider limits (score floor, NMS of proposals, number of detections) does. Both are the variants with "
        "the highest recall whose predictions are kept; a detection that overlaps another instance more does not "
        "count. Beyond layers: less than half of its mask lies in as many layers of ground truth. Merged, split, poor "
        "mask: as among the errors. Never found: no detection comes near it under any of these settings.",
    ),
    "figure3": (
        "Rectangles only, N of them in an image. Bold: the best in its column for this N. The paper draws its numbers "
        "and prints none.",
    ),
    "progress": (
        "For one model at a time: rows with different numbers of images do not compare models. The paper's numbers "
        "stand beside runs of as many images as it trains on.",
        _INTERVALS,
    ),
    "smoke": (
        "A few hundred steps on small scenes: these numbers show that the code runs, and nothing about the models.",
    ),
    "runs": (),
}

SECTIONS = {
    "paired-sides": (
        "The verdict",
        "Where the difference is positive, pixel embeddings are better. An interval that excludes zero is no accident "
        "of the images drawn.",
    ),
    "table1": ("Table 1", "Both sides of the comparison, on the same scenes and with the same evaluator."),
    "table2": (
        "Table 2",
        "How much of the truth L layers of masks can hold, whatever model fills them. In the pictures an outline is a "
        "whole mask, a fill what lies in front.",
    ),
    "ablation": ("Ablation", "Where the embedding model loses: one of its parts replaced by the ground truth."),
    "paired-baselines": (
        "Is the baseline a fair one?",
        "Models that the paper does not have beside the Mask R-CNN of Table 1, with the same budget. An independent "
        "implementation that comes as far shows that neither is crippled by its code.",
    ),
    "families": (
        "Does the verdict on NMS survive?",
        "The paper blames non-maximum suppression for what top-down models miss. Other ways to suppress, and other "
        "limits on detections, from the same network.",
    ),
    "lost-instances": (
        "Why instances are not found",
        "What does suppression remove, what do limits on detections such as the score floor cut off, what can layers "
        "not hold, and what did the model never find? Each instance that no detection matches is put down to one "
        "reason.",
    ),
    "layers": (
        "More than two layers",
        "The paper uses a foreground and one occluded layer and suggests more. How much of what L layers can hold does "
        "a model with L layers reach?",
    ),
    "paired-layers": ("What a layer brings", "The same network and budget with more layers against fewer."),
    "errors": ("Errors", "What goes wrong, how often, and what it costs."),
    "occlusion": (
        "Recall against occlusion",
        "Recall (mean over IoU .50:.05:.95) of instances by the hidden share of their area, in ten equal bins.",
    ),
    "figure3": (
        "Crowds and channels",
        "The paper's Fig. 3: how many instances of one class can an embedding of C channels keep apart? Trained and "
        "evaluated on rectangles only, all points of a plot with one network and budget.",
    ),
    "progress": ("Budgets", "What more training images bring."),
    "scenes": (
        "Scenes and layers",
        "A training sample, as in the paper's Fig. 1. Only outlines carry information. The occlusion masks show what "
        "lies directly behind the foreground. In the instance masks a colour is the same instance in both layers.",
    ),
    "predictions": (
        "Predictions",
        "The first evaluation images, not chosen. An outline is a whole amodal mask, a fill is what lies in front. Of "
        "each model as many detections are drawn as there are instances, those with the highest scores, each in the "
        "colour of the instance that it matches at IoU 0.5; below, how many do, and what becomes of the other "
        "instances. Step with the buttons, the arrow keys or a swipe.",
    ),
    "failures": (
        "Failure cases",
        "Found in all evaluation images by rule, not picked: the rule stands with each kind. Left, the truth: the "
        "amodal outline on the image, what one sees of it tinted more strongly. Right, what the model says there: "
        "detections to blame in colour, those that match an instance in grey, the truth dashed.",
    ),
    "figure4": (
        "From image to instances",
        "The paper's Fig. 4, for the first evaluation image: what a model predicts for each layer. The first three "
        "principal components of an embedding are drawn as red, green and blue, the same for all layers. Where classes "
        "are predicted, pixels with like embeddings become an instance, across layers. A true instance and the one "
        "found for it have one colour.",
    ),
    "smoke": ("Smoke tests", "Tiny runs of the same code."),
    "runs": ("All runs", "Everything measured: one row for each variant of each run."),
}
"""Anchor -> title and text, in the page's order."""

UNMATCHED = "matches no instance, or one already found"


@dataclass(frozen=True)
class VariantPlot:
    """A plot over the number that variants differ in, of the runs in each of the tables called `table`.

    column: of the paper's file, where its own numbers stand."""

    name: str
    table: str
    column: str
    axis: str
    caption: str


VARIANT_PLOTS = (
    VariantPlot(
        "nms-sweep",
        "table1",
        "nms_threshold",
        "NMS threshold t",
        "Metrics against the NMS threshold; a horizontal line is a model without one.",
    ),
    VariantPlot(
        "layers",
        "table2",
        "layers",
        "layers of ground truth",
        "The best that any model with so many layers of masks can reach.",
    ),
)
PLOT_METRICS = ("AP", "AR100")

FIGURE3_CAPTION = "Metrics against the number of rectangles in an image, one line for each number of channels."

ANALYSIS_PLOTS = {
    "families": ("families", "Metrics against the threshold; a horizontal line has none."),
    "layers-reached": ("layers", "Trained models, and the most that so many layers can hold."),
    "lost-by-occlusion": (
        "lost-instances",
        "Instances that are not found, by the hidden share of their area, and why.",
    ),
    "lost-by-threshold": ("lost-instances", "Instances that are not found at each NMS threshold of Table 1, and why."),
    "errors": ("errors", "AP50 lost to each kind of error."),
    "recall-difference": (
        "paired-sides",
        "Recall, embedding minus Mask R-CNN at the threshold with its highest AP, by the hidden share of an instance; "
        "bands: 95 % intervals. Above zero, pixel embeddings find more.",
    ),
    "recall-by-occlusion": ("occlusion", "Bars: the share of all instances that falls into a bin."),
}
"""Name of the plot -> anchor of its section, caption."""
