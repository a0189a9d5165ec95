"""The known mistakes by name: the functions in which students make them, and ways to make them.

A grader compares a wrong result with these to name the mistake.  Several ways share a name if the
same advice helps.  None of this code is right, except by accident.
"""

from __future__ import annotations

from dataclasses import dataclass

from . import influences, masks, neurons, paths, quantities
from .base import Way

__all__ = ["MISTAKES", "Mistake", "Way", "ways_of"]


@dataclass(frozen=True)
class Mistake:
    """A mistake by name, the functions in which it is one, and ways to make it."""

    name: str
    functions: tuple[str, ...]
    ways: tuple[type[Way], ...]


PATH, IG = "path_influence", "integrated_gradients"
COMPARATIVE, COMPARATIVE_IG = "comparative_influence", "comparative_integrated_gradients"
ROWS = ("class_influence", COMPARATIVE)
AT_SLICE = ("instance_influence", *ROWS, PATH)
MAPS = ("saliency_map", "integrated_saliency_map")
INTEGRALS = (PATH, IG, COMPARATIVE_IG, "integrated_saliency_map")
TIMES_DIFFERENCE = INTEGRALS[1:]
OF_SCORES = (*AT_SLICE, IG, COMPARATIVE_IG)
OF_ONE_CLASS = ("instance_influence", "class_influence", PATH, IG)
COMPARED = ("distinguishing_neurons", "compare_with_single_class")
PAIRS = (COMPARATIVE, COMPARATIVE_IG, *COMPARED)
USING = (*COMPARED, "binary_classifier")
"""Functions that use an influence, and are wrong if it is wrong."""
TWO_LISTS = ("distinguishing_neurons", "influential_neurons")
RANKED = ("top_neurons", *TWO_LISTS, "compare_attributions", *USING[1:])

MISTAKES = (
    Mistake(
        "after_softmax",
        ("linear_scores", *OF_SCORES, *USING),
        (quantities.SoftmaxKept, quantities.Probability, quantities.LogProbability),
    ),
    Mistake(
        "log_softmax_kept",
        ("linear_scores", *OF_SCORES, *USING),
        (quantities.LogSoftmaxKept,),
    ),
    Mistake(
        "softmax_kept",
        ("linear_scores", *OF_SCORES, *USING),
        (quantities.OnlyLogSoftmaxRemoved,),
    ),
    Mistake(
        "after_sigmoid",
        (*OF_ONE_CLASS, "binary_classifier"),
        (quantities.SigmoidOfScores, quantities.LogSigmoidOfScores),
    ),
    Mistake(
        "after_sigmoid",
        PAIRS,
        (quantities.SigmoidOfDifference, quantities.LogSigmoidOfDifference),
    ),
    Mistake("sigmoid_of_all", OF_ONE_CLASS, (quantities.SigmoidOfAllScores,)),
    Mistake("class_of_difference", PAIRS, (quantities.ClassOfDifference,)),
    Mistake(
        "last_layer_dropped",
        ("linear_scores", *OF_SCORES, *USING),
        (quantities.LastLayerDropped,),
    ),
    Mistake("predicted_class", (*OF_ONE_CLASS, "binary_classifier"), (quantities.Predicted,)),
    Mistake("all_classes", (*OF_ONE_CLASS, "binary_classifier"), (quantities.AllClasses,)),
    Mistake("other_class", OF_ONE_CLASS, (quantities.NextClass, quantities.ClassBefore)),
    Mistake("one_class", PAIRS, (quantities.OneClass,)),
    Mistake("c2_alone", PAIRS, (quantities.OtherClassAlone,)),
    Mistake("classes_swapped", PAIRS, (quantities.OtherSign,)),
    Mistake("classes_added", PAIRS, (quantities.BothClasses,)),
    Mistake("classes_divided", (COMPARATIVE, *COMPARED), (influences.Ratio,)),
    Mistake("single_c2", ("compare_with_single_class",), (neurons.SecondAlone,)),
    Mistake(
        "other_neuron",
        MAPS,
        (quantities.NextNeuron, quantities.NeuronBehind),
    ),
    Mistake("one_feature", MAPS, (quantities.OneFeature,)),
    Mistake("max_over_batch", MAPS[1:], (influences.MaxOverBatch,)),
    Mistake("strongest_neuron", MAPS, (quantities.StrongestNeuron,)),
    Mistake("map_sum", MAPS, (quantities.MapSum,)),
    Mistake("map_mean", MAPS, (quantities.MapMean,)),
    Mistake("train_mode", (*OF_SCORES, *MAPS, *USING, "evaluate"), (influences.TrainMode,)),
    Mistake(
        "layer_before",
        ("split", *AT_SLICE, *MAPS, *USING, "mask_slice"),
        (influences.LayerBefore,),
    ),
    Mistake(
        "layer_after", ("split", *AT_SLICE, *MAPS, *USING, "mask_slice"), (influences.LayerAfter,)
    ),
    Mistake("halves_swapped", ("split",), (influences.HalvesSwapped,)),
    Mistake("overwritten", (*OF_SCORES, *USING), (influences.Overwritten,)),
    Mistake("times_activation", (*AT_SLICE, "saliency_map"), (influences.TimesActivation,)),
    Mistake(
        "absolute",
        (*OF_SCORES, *MAPS, "compare_with_single_class"),
        (influences.Absolute, influences.AbsoluteResult),
    ),
    Mistake(
        "absolute",
        (COMPARATIVE, COMPARATIVE_IG, "compare_with_single_class"),
        (influences.AbsoluteClasses,),
    ),
    Mistake(
        "rank_absolute",  # what follows from absolute influences
        ("distinguishing_neurons", "binary_classifier"),
        (influences.Absolute, influences.AbsoluteResult, influences.AbsoluteClasses),
    ),
    Mistake("clipped", (*OF_SCORES, *MAPS, *USING), (influences.Clipped, influences.ClippedResult)),
    Mistake("sum_for_mean", (*ROWS, *INTEGRALS), (influences.SumForMean,)),
    Mistake("not_averaged", ROWS, (influences.RowsKept, influences.RowsDivided)),
    Mistake("batch_of_one", (*ROWS, "saliency_map"), (influences.BatchOfOne,)),
    Mistake("at_the_mean", (*ROWS, *USING), (influences.AtTheMean,)),
    Mistake("first_row", (*ROWS, *USING), (influences.FirstRow,)),
    Mistake("path_to_rows", ("binary_classifier",), (influences.PathToRows,)),
    Mistake(
        "max_before_mean",
        ("distinguishing_neurons", "binary_classifier"),
        (influences.StrengthOfEachRow,),
    ),
    Mistake("over_neurons", ROWS, (influences.OverNeurons,)),
    Mistake("accumulated", ("instance_influence", *ROWS, *INTEGRALS), (influences.Accumulated,)),
    Mistake("weights_ignored", ROWS, (influences.WeightsIgnored,)),
    Mistake("weights_raw", ROWS, (influences.WeightsRaw, influences.WeightsOverRows)),
    Mistake("rows_dropped", ("class_influence",), (influences.DropsRows,)),
    Mistake(
        "wrong_count",
        INTEGRALS,
        (paths.OneTooMany, paths.OneTooFew, paths.FencePost, paths.InnerPoints),
    ),
    Mistake("at_the_end", INTEGRALS, (paths.AtTheEnd,)),
    Mistake("at_the_start", INTEGRALS, (paths.AtTheStart,)),
    Mistake("zero_baseline", INTEGRALS, (paths.ZeroBaseline,)),
    Mistake("path_from_zero", TIMES_DIFFERENCE, (paths.PathFromZero,)),
    Mistake(
        "off_the_line",
        INTEGRALS,
        (
            paths.LineOvershoots,
            paths.LineOfDifferences,
            paths.LineBehindX,
            paths.LineOfScaledX,
        ),
    ),
    Mistake("weighed_by_alpha", INTEGRALS, (paths.WeighedByAlpha, paths.WeighedByAlphaOverAll)),
    Mistake("times_x", TIMES_DIFFERENCE, (paths.TimesX,)),
    Mistake("gradient_times_x", TIMES_DIFFERENCE, (paths.GradientTimesX,)),
    Mistake("no_difference", TIMES_DIFFERENCE, (paths.NoDifference,)),
    Mistake("difference_reversed", (IG, MAPS[1]), (paths.Backwards,)),
    Mistake("times_difference", (PATH,), (paths.TimesDifference,)),
    Mistake("straight_inside", (PATH,), (paths.StraightInside,)),
    Mistake(
        "inside_times_features",
        (PATH,),
        (
            paths.InsideTimesFeatures,
            paths.InsideTimesFeaturesFromBaseline,
            paths.InsideTimesChange,
        ),
    ),
    Mistake(
        "rank_absolute",
        RANKED,
        (neurons.RankAbsolute, neurons.RankOfAbsolute, neurons.RankMeanAbsolute),
    ),
    Mistake("rank_absolute", TWO_LISTS, (neurons.LowestAbsolute,)),
    Mistake("rank_mean", RANKED, (neurons.RankMean,)),
    Mistake("rank_length", RANKED, (neurons.RankLength,)),
    Mistake("features_ranked", ("top_neurons", *TWO_LISTS), (neurons.FeatureIndices,)),
    Mistake("neurons_of_features", ("top_neurons", *TWO_LISTS), (neurons.NeuronsOfTopFeatures,)),
    Mistake(
        "overlap_of_features",
        ("compare_attributions", "compare_with_single_class"),
        (neurons.OverlapOfFeatures,),
    ),
    Mistake("lowest_maxima", (*TWO_LISTS, "binary_classifier"), (neurons.LowestOfMaxima,)),
    Mistake("weakest_first", ("top_neurons", *TWO_LISTS), (neurons.WeakestFirst,)),
    Mistake("weakest_first", TWO_LISTS, (neurons.LowestWeakestFirst, neurons.LowestHighest)),
    Mistake("weakest_first", ("top_neurons", *RANKED[3:]), (neurons.Rising,)),
    Mistake("counted_from_one", ("top_neurons", *TWO_LISTS), (neurons.CountedFromOne,)),
    Mistake("index_order", ("top_neurons", *TWO_LISTS), (neurons.IndexOrder,)),
    Mistake("ties_higher", ("top_neurons", "influential_neurons"), (neurons.TiesHigher,)),
    Mistake(
        "ties_higher",
        ("influential_neurons",),
        (neurons.HighestTiesHigher, neurons.LowestTiesHigher),
    ),
    Mistake("sign_filtered", TWO_LISTS, (neurons.SignFilter,)),
    Mistake("lists_swapped", TWO_LISTS[1:], (neurons.ListsSwapped,)),
    Mistake("pearson", ("compare_attributions", "compare_with_single_class"), (neurons.Pearson,)),
    Mistake("ties_apart", ("compare_attributions",), (neurons.TiesApart,)),
    Mistake(
        "overlap_count",
        ("compare_attributions", "compare_with_single_class"),
        (neurons.Union, neurons.OfAllNeurons, neurons.Counted, neurons.SamePlaces),
    ),
    Mistake("unnormalised", ("scale_pixels",), (neurons.Unnormalised, neurons.Spread)),
    Mistake("channels_apart", ("scale_pixels",), (neurons.EveryChannel, neurons.ChannelAlone)),
    Mistake("channels_averaged", ("scale_pixels",), (neurons.ChannelMean, neurons.ChannelSum)),
    Mistake(
        "signed_scale",
        ("scale_pixels",),
        (neurons.SignedScale, neurons.SignedOverAbsolute, neurons.PositiveScale),
    ),
    Mistake("mask_swapped", ("mask_slice", "binary_classifier"), (masks.MaskSwapped,)),
    Mistake("masked_rows", ("mask_slice", "binary_classifier"), (masks.MaskedRows,)),
    Mistake("bias_left", ("mask_slice", "binary_classifier"), (masks.BiasLeft,)),
    Mistake("mask_forgotten", ("mask_slice", "binary_classifier"), (masks.MaskForgotten,)),
    Mistake("softmax_dropped", ("split", "mask_slice"), (masks.SoftmaxDropped,)),
    Mistake("negative_missing", ("binary_classifier",), (masks.NegativeMissing,)),
    Mistake("positive_missing", ("binary_classifier",), (masks.PositiveMissing,)),
    Mistake("after_softmax", ("binary_classifier",), (masks.MarginOfProbabilities,)),
    Mistake("margin_over_mean", ("binary_classifier",), (masks.MarginOverMean,)),
    Mistake("margin_over_sum", ("binary_classifier",), (masks.MarginOverSum,)),
    Mistake("margin_over_all", ("binary_classifier",), (masks.MarginOverAll,)),
    Mistake("runner_up", ("binary_classifier",), (masks.RunnerUp,)),
    Mistake("no_margin", ("binary_classifier",), (masks.ScoreAlone, masks.ProbabilityAlone)),
    Mistake("margin_turned", ("binary_classifier",), (masks.MarginTurned,)),
    Mistake("margin_in_column", ("binary_classifier",), (masks.MarginInColumn,)),
    Mistake("zero_says_yes", ("evaluate",), (masks.ZeroSaysYes, masks.OneHalf)),
    Mistake("precision_recall_swapped", ("evaluate",), (masks.Swapped,)),
    Mistake("per_cent", ("evaluate",), (masks.PerCent, masks.AccuracyPerCent)),
    Mistake("one_without_denominator", ("evaluate",), (masks.OneWithoutDenominator,)),
    Mistake("over_both_classes", ("evaluate",), (masks.OverBothClasses,)),
    Mistake("other_rows", ("evaluate",), (masks.OverAllRows,)),
)


def ways_of(function: str) -> tuple[tuple[str, type[Way]], ...]:
    """The known mistakes in a function: every way to make one, under the mistake's name."""
    return tuple(
        (mistake.name, way)
        for mistake in MISTAKES
        if function in mistake.functions
        for way in mistake.ways
    )
