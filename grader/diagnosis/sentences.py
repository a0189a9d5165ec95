"""What a student reads about a known mistake, by the name of the mistake."""

from __future__ import annotations

__all__ = ["SENTENCES"]

SENTENCES = {
    # The quantity of interest
    "after_softmax": (
        "This is computed after the softmax, from a probability or its logarithm. A probability "
        "also rises when other scores fall, so it does not say what speaks for this class. Use "
        "the score before the softmax."
    ),
    "log_softmax_kept": (
        "A log-softmax at the end is left in; a softmax is taken off. Take off either, so that "
        "scores are those before it."
    ),
    "softmax_kept": (
        "A softmax at the end is left in; a log-softmax is taken off. Take off either, so that "
        "scores are those before it."
    ),
    "after_sigmoid": (
        "This is computed after a sigmoid, which a softmax over two classes is, too. Its slope "
        "differs from row to row, and is nearly zero where the network is sure. Use the score "
        "itself, or the difference of two scores."
    ),
    "sigmoid_of_all": (
        "This is the derivative of the sigmoids of all classes, added up. Take the score of the "
        "requested class only, without a sigmoid."
    ),
    "class_of_difference": (
        "This explains the single class with the index c1 - c2. Subtract the scores of the two "
        "classes, not their indices."
    ),
    "last_layer_dropped": (
        "The last layer was removed although it is not a softmax: these are features, not class "
        "scores. Remove the last layer only if it is a softmax or log-softmax."
    ),
    "predicted_class": (
        "This explains the class that the network predicts, not the requested one. Use the class "
        "that is given, whatever the network predicts."
    ),
    "all_classes": (
        "This is the derivative of the sum of all class scores. Take the score of the requested "
        "class only: in the sum, what speaks for one class and against another cancels."
    ),
    "other_class": "This explains the class next to the requested one. Classes count from 0.",
    "one_class": (
        "This explains c1 alone. Subtract the score of c2: what speaks for both classes alike is "
        "still in your result."
    ),
    "c2_alone": (
        "This explains c2 alone. Explain what speaks for c1 rather than c2: the difference of the"
        " two scores."
    ),
    "classes_swapped": (
        "This says what speaks for c2 rather than c1. Look for a reversed sign, and at the order "
        "of the two scores, of x and the baseline, and of what you return."
    ),
    "classes_added": (
        "The scores of the two classes are added. Subtract them: in the sum, what tells the "
        "classes apart cancels, and what they share counts twice."
    ),
    "classes_divided": (
        "The influence on c1 is divided by the influence on c2. Subtract instead: a quotient is "
        "huge where the influence on c2 is small, and does not say which class is ahead."
    ),
    "single_c2": (
        "The comparison uses the explanation of c2. Compare with the explanation of c1 alone."
    ),
    "other_neuron": (
        "This is the map of another neuron. A neuron is an index into the first dimension of the "
        "slice, counted from 0, and stands for its whole map."
    ),
    "one_feature": (
        "This is the map of one feature: the index was taken in the flattened layer. A neuron is "
        "an index into the first dimension of the slice, and stands for its whole map."
    ),
    "max_over_batch": (
        "One maximum is taken over all points of the line, so that only one point has a gradient. "
        "Take the maximum over the neuron's map at each point, and average the gradients."
    ),
    "strongest_neuron": "This explains the strongest neuron of the layer, not the requested one.",
    "map_sum": (
        "The neuron's map is summed here. Its activation is the largest value of its map: a sum "
        "mixes the place where the neuron fires with all other places."
    ),
    "map_mean": (
        "The neuron's map is averaged here. Its activation is the largest value of its map: an "
        "average hides the one place where the neuron fires."
    ),
    # The slice and its gradients
    "train_mode": (
        "The network ran in train mode: dropout drew at random, and batch norm used the other "
        "rows. Call eval() first, and restore the modes afterwards."
    ),
    "layer_before": (
        "The slice is one layer too early: model[layer] is the last layer of h, and z is its "
        "output."
    ),
    "layer_after": (
        "The slice is one layer too late: model[layer] is the last layer of h, and z is its output."
    ),
    "halves_swapped": (
        "h and g are returned in the wrong order. h comes first: it takes the input to the slice."
    ),
    "overwritten": (
        "These are the gradients after the next layer. That layer works in place and has "
        "overwritten the features that you kept: keep a copy (.clone()) of the slice."
    ),
    "times_activation": (
        "The gradient is multiplied by the features. Influence is the derivative alone: how the "
        "quantity reacts to a small change of a feature, whatever the feature's size."
    ),
    "absolute": (
        "Absolute values are taken here. Keep the signs: they say whether a feature speaks for the "
        "class or against it, and only signed terms can cancel in an average."
    ),
    "clipped": (
        "Negative values are set to zero. Keep them: they say what speaks against the class, and "
        "without them averages and sums are wrong."
    ),
    "sum_for_mean": "This is a sum. Take the average: a sum grows with the number of points.",
    "not_averaged": "This has one row per instance. Average it over the distribution of interest.",
    "batch_of_one": (
        "The result is a batch of one: it has an extra dimension of length 1 in front. Return the "
        "row itself."
    ),
    "at_the_mean": (
        "This is the influence at the mean of the rows. Compute the influence at each row, and "
        "average the influences: the mean image need not look like any of them."
    ),
    "first_row": "This uses the first row alone. Average over all rows.",
    "path_to_rows": (
        "The neurons are chosen by an average on the way to each row. Choose them by the class's "
        "influence: the average of the gradients at the rows themselves."
    ),
    "max_before_mean": (
        "The largest feature is taken in every row, and averaged afterwards. Average the influence"
        " over the rows first; a neuron's strength is the largest feature of that average."
    ),
    "over_neurons": (
        "The average is taken over the neurons, which leaves one number per instance. Average "
        "over the instances: the result has one number per feature."
    ),
    "accumulated": (
        "Gradients add up from one point to the next: the .grad of the previous point is still "
        "there at the next one, so early points count many times. Clear it, or use "
        "torch.autograd.grad."
    ),
    "weights_ignored": (
        "The weights have no effect: this is the plain mean over the rows. Average with the "
        "weights, which are the distribution of interest."
    ),
    "weights_raw": (
        "The weights are used without normalising them. Divide them by their sum: a distribution "
        "of interest adds up to 1."
    ),
    "rows_dropped": (
        "Rows that the network assigns to another class are left out. Average over all rows: the "
        "network's mistakes belong to the distribution of interest."
    ),
    # The path
    "wrong_count": (
        "The sum is divided by something other than the number of points, so the weights do not "
        "add up to 1. The average is then wrong even on a linear network, where all gradients are"
        " equal."
    ),
    "at_the_end": (
        "This is the gradient at x alone. Average over the whole line from the baseline: if a "
        "network saturates before x, its gradient at x is close to zero."
    ),
    "at_the_start": "This is the gradient at the baseline alone. Average over the whole line to x.",
    "zero_baseline": (
        "The baseline has no effect: the line starts at zero. Start at the given baseline, "
        "because an attribution is always relative to it."
    ),
    "path_from_zero": (
        "The line starts at zero instead of at the baseline. The attribution adds up to the "
        "change in the score only if both ends of the line are right."
    ),
    "off_the_line": (
        "The points do not lie between the baseline and x. The first should be at or near the "
        "baseline, the last at or near x."
    ),
    "weighed_by_alpha": (
        "Gradients are weighted by their position on the line. All points of the line count the "
        "same: take the plain average."
    ),
    "times_x": (
        "The average gradient is multiplied by x. Multiply by x - baseline: a pixel that equals "
        "the baseline gets nothing, and the sum equals the change in the score."
    ),
    "gradient_times_x": (
        "This is the gradient at x alone, multiplied by x. Average the gradient over the whole "
        "line from the baseline to x, and multiply by x - baseline."
    ),
    "no_difference": (
        "This is the average gradient alone, which says how sensitive the score is. Multiply it by "
        "(x - baseline): the product says how much each pixel contributed."
    ),
    "difference_reversed": (
        "Every sign is reversed, as if the gradient were multiplied by baseline - x. Multiply by "
        "x - baseline."
    ),
    "times_difference": (
        "This is multiplied by the change of the features. Influence on the line is the average "
        "derivative alone; the product is an attribution."
    ),
    "straight_inside": (
        "The line is straight in the features of the slice. Make it straight in the input: points"
        " between h(baseline) and h(x) need not belong to any input."
    ),
    "inside_times_features": (
        "The line runs straight through the features of the slice, and the result is multiplied by "
        "features. Take a straight line in the input, and return the average derivative alone."
    ),
    # Neurons
    "rank_absolute": (
        "The ranking uses absolute values. Keep the sign: a strongly negative neuron speaks "
        "against the class and is not among the most positive ones."
    ),
    "rank_mean": (
        "Neurons are ranked by the mean over their maps. Use the extreme value of the map: one "
        "strong feature makes a neuron influential, and a mean hides it."
    ),
    "rank_length": (
        "Neurons are ranked by the length of their maps, which has no sign. Use the extreme value "
        "of the map: a strongly negative neuron speaks against the class."
    ),
    "features_ranked": (
        "These are indices of features, in the flattened attribution. Return neurons: indices into "
        "its first dimension."
    ),
    "neurons_of_features": (
        "These are the neurons of the k strongest features, and a neuron may come twice. Rank "
        "neurons, each by its strongest feature."
    ),
    "overlap_of_features": (
        "The overlap is that of the k strongest features. Compare the k top neurons: a neuron "
        "stands for its whole map."
    ),
    "lowest_maxima": (
        "The negative neurons are those with the smallest maximum. Use the smallest minimum: a "
        "neuron may have a strong positive and a strong negative feature."
    ),
    "weakest_first": (
        "An order is reversed. Put the strongest neuron first, so that a shorter list keeps the "
        "strongest ones."
    ),
    "counted_from_one": "Neurons are counted from 1 here. Count them from 0, as indices are.",
    "index_order": (
        "The right neurons come in the order of their indices. Put the strongest neuron first, so "
        "that a shorter list keeps the strongest ones."
    ),
    "ties_higher": "Put the neuron with the lower index first if neurons are equally influential.",
    "sign_filtered": (
        "Neurons of the other sign are left out. Return as many as requested, whatever their "
        "sign, so that two classes can be compared."
    ),
    "lists_swapped": "The two lists are swapped. The most positive neurons come first.",
    "pearson": (
        "This is Pearson's correlation of the values. Spearman's is that of their ranks, so that "
        "one huge feature does not decide alone."
    ),
    "ties_apart": (
        "Equal values get different ranks, in the order of their positions. Give ties the average"
        " of their ranks."
    ),
    "overlap_count": (
        "The overlap is the share of the k top neurons of one explanation that are among the k "
        "top neurons of the other, in any order. It is between 0 and 1."
    ),
    "unnormalised": (
        "Divide the saliency by its largest value, and by nothing else. Then the most salient "
        "pixel keeps its value, and a pixel without saliency becomes dark."
    ),
    "channels_apart": (
        "Every channel is scaled on its own, which changes the colours. A pixel's saliency is the"
        " largest over its channels."
    ),
    "channels_averaged": (
        "Saliency is averaged or summed over the channels. A pixel's saliency is the largest over"
        " its channels."
    ),
    "signed_scale": (
        "The sign of the saliency counts here. Use its absolute value: a pixel matters in either "
        "direction, and a negative factor would invert it."
    ),
    # The mask and the classifier
    "mask_swapped": (
        "Kept and masked are swapped: the neurons to keep are set to zero. Set all others to zero."
    ),
    "masked_rows": "Rows of the batch are set to zero. Neurons are the dimension after the batch.",
    "bias_left": (
        "The weights of the other neurons are zero, but not their biases. Set the output of the "
        "layer to zero for every neuron that is not kept."
    ),
    "mask_forgotten": "Nothing is masked: the network uses all of its neurons.",
    "softmax_dropped": (
        "The softmax is gone. Splitting or masking a network changes nothing else: a softmax at "
        "the end stays."
    ),
    "negative_missing": (
        "Only the neurons of most positive influence are kept. Keep those of most negative "
        "influence as well: they also tell the class from the others."
    ),
    "positive_missing": (
        "Only the neurons of most negative influence are kept. Keep those of most positive "
        "influence as well."
    ),
    "margin_over_mean": (
        "The margin subtracts the mean of the other scores. Subtract the highest other score: one"
        " class that scores higher is enough for the answer no."
    ),
    "margin_over_sum": (
        "The margin subtracts the sum of the other scores. Subtract the highest of them."
    ),
    "margin_over_all": (
        "The margin subtracts the highest of all scores, the class itself included. It is then "
        "never positive, and the classifier never says yes. Use the other classes only."
    ),
    "runner_up": (
        "The margin subtracts the second highest of all scores. Subtract the highest of the other "
        "classes: where another class leads, that is the highest of all."
    ),
    "no_margin": (
        "This is the score of the class alone, or its probability. Subtract the highest other "
        "score: the classifier says yes only if the class scores higher."
    ),
    "margin_turned": (
        "The margin has the wrong sign. A positive margin means that the row is the class."
    ),
    "margin_in_column": "The margins have the shape (N, 1). Return one number per row: (N,).",
    # Evaluation
    "zero_says_yes": (
        "The threshold is wrong. A margin above 0 means that the row is the class; a margin of "
        "exactly 0 means that it is not."
    ),
    "precision_recall_swapped": (
        "Precision and recall are swapped. Precision is the share of the class among the rows "
        "that get a yes, recall the share of the rows of the class that get one."
    ),
    "per_cent": "A share is in per cent. Return shares between 0 and 1.",
    "one_without_denominator": (
        "Precision or recall is 1 where it has no denominator. Return 0 there: a classifier that "
        "never says yes has found nothing."
    ),
    "over_both_classes": (
        "Precision and recall are averaged over the class and the rest. Count them for the class "
        "alone."
    ),
    "other_rows": (
        "Precision and recall are counted over the wrong rows. Precision is a share of the rows "
        "that get a yes, recall a share of the rows of the class."
    ),
}
"""By the name of the mistake (``reference/mistakes``)."""
