"""Pictures of what your own functions find: `python explore.py`, then open explore.html.

The functions are yours, from the files in this folder.  The network comes with the grader; it was
trained on small images of handwritten digits.  The page names what you have not written yet and
skips it, so you can look at the first picture after your first function.  Nothing here is graded.
This file also shows how your functions are used: change it as you like.

`python explore.py --help` lists the options: another digit, another class, another layer, or a
photograph of yours and a network that knows a thousand kinds of things.

The object `on` holds what is explained:
    on.model            the network, an nn.Sequential
    on.x, on.baseline   the image and a black one, as the network takes them, (C, H, W)
    on.pixels           the image in [0, 1], to be shown
    on.c1, on.c2        the class that is explained, and the class that it is compared with
    on.xs               images of class c1, (N, C, H, W)
    on.layer            the slice is cut after this layer; on.neurons is how many neurons it has
"""

import os
import sys

# Small networks take longer with several threads than with one.
os.environ.setdefault("OMP_NUM_THREADS", "1")

try:
    import torch

    from grader.explore import Page, ask, own
except ModuleNotFoundError as error:
    sys.exit(
        f"{error.name} is not installed here: see 'Your first hour' in README.md (is .venv active?)"
    )
except Exception as error:
    sys.exit(
        f"torch cannot be imported ({error}): `hw3 doctor` says more. If a file of yours has the "
        "name of a Python module (random.py, torch.py), rename it"
    )

# Your files.  A function is looked up when it is called, so a missing one stops only its picture.
part1 = own("part1_focused")
part2 = own("part2_comparative")
part3 = own("part3_compression")
gan = own("gan")
warmup = own("warmup")  # only where your course has this part


def input_gradients(page, on):
    """Plain gradient beside integrated gradients, on the pixels."""
    with page.figure(
        f"Which pixels speak for “{on.names[on.c1]}”?",
        "Orange pixels raise the score when they get brighter, blue ones lower it. The plain "
        "gradient says what a small change of a pixel would do, also where the image is black. "
        "Integrated gradients say what each pixel added on the way from a black image to this one: "
        "black pixels added nothing.",
    ):
        with page.panel("the image"):
            page.image(on.pixels, given=True)
        with page.panel("plain gradient"):
            page.map(part1.instance_influence(on.model, -1, on.x[None], on.c1)[0])
        with page.panel("integrated gradients"):
            found = part1.integrated_gradients(on.model, on.x, on.baseline, on.c1, on.steps)
            page.map(found)
            rise = on.score(on.x, on.c1) - on.score(on.baseline, on.c1)
            page.note(
                f"Integrated gradients add up to {float(found.sum()):.2f}; from the black image to "
                f"this one the score changes by {rise:.2f}. {on.agreement}"
            )


def top_neurons(page, on):
    """The most influential neurons of the slice, and where in their maps the influence is."""
    with page.figure(
        f"Which neurons of layer {on.layer} speak for “{on.names[on.c1]}”?",
        f"The strongest neurons first, {on.examples}. Where a map is orange, more activation "
        "there raises the score; where it is blue, it lowers it. A neuron is as strong as its "
        "strongest spot.",
        shared=True,
    ):
        influence = part1.class_influence(on.model, on.layer, on.xs, on.c1)
        for neuron in part1.top_neurons(influence, min(4, on.neurons)):
            with page.panel(f"neuron {int(neuron)}"):
                page.map(influence[int(neuron)])


def top_neuron(on):
    """The neuron of the slice that speaks most for class c1."""
    influence = part1.class_influence(on.model, on.layer, on.xs, on.c1)
    return int(part1.top_neurons(influence)[0])


def saliency(page, on):
    """What the top neuron looks at, and the pixels of the image scaled by it."""
    with page.figure(
        "What does the top neuron look at?",
        "Orange pixels raise the neuron's activation when they get brighter, blue ones lower it. "
        "In the last picture each pixel is multiplied by the size of its saliency: what stays "
        "bright is bright in the image, and matters to the neuron.",
    ):
        neuron = top_neuron(on)
        with page.panel("the image"):
            page.image(on.pixels, given=True)
        with page.panel(f"saliency of neuron {neuron}"):
            found = part1.saliency_map(on.model, on.layer, neuron, on.x)
            page.map(found)
        with page.panel("pixels scaled by it"):
            page.image(part1.scale_pixels(on.pixels, on.evened(found)))


def integrated_saliency(page, on):
    """The same with path-integrated gradients."""
    with page.figure(
        "The same, integrated from a black image",
        "What each pixel added to the neuron's activation on the way from a black image: orange "
        "raised it, blue lowered it. Black pixels added nothing, so less of the map is coloured.",
    ):
        neuron = top_neuron(on)
        with page.panel("the image"):
            page.image(on.pixels, given=True)
        with page.panel(f"integrated saliency of neuron {neuron}"):
            found = part1.integrated_saliency_map(
                on.model, on.layer, neuron, on.x, on.baseline, on.steps
            )
            page.map(found)
        with page.panel("pixels scaled by it"):
            page.image(part1.scale_pixels(on.pixels, on.evened(found)))


def comparison(page, on):
    """C1 - C2 beside C1 alone, on the pixels."""
    one, other = on.names[on.c1], on.names[on.c2]
    with page.figure(
        f"Why “{one}” rather than “{other}”?",
        f"Integrated gradients for “{one}” alone, then for its score minus that of “{other}”: "
        f"there orange speaks for “{one}”, blue for “{other}”. What speaks for both classes fades, "
        "and what tells them apart stays. Both maps have the same scale.",
        shared=True,
    ):
        path = (on.model, on.x, on.baseline)
        with page.panel("the image"):
            page.image(on.pixels, given=True)
        with page.panel(f"“{one}” alone"):
            page.map(part1.integrated_gradients(*path, on.c1, on.steps))
        with page.panel(f"“{one}” − “{other}”"):
            page.map(part2.comparative_integrated_gradients(*path, on.c1, on.c2, on.steps))


def distinguishing_neurons(page, on):
    """The neurons that tell the two classes apart, and what they look at."""
    one, other = on.names[on.c1], on.names[on.c2]
    with page.figure(
        f"Which neurons tell “{one}” from “{other}”?",
        "The neurons that push hardest towards either class, and what they look at in this image: "
        "orange pixels raise the neuron's activation, blue ones lower it. A neuron may be on both "
        "sides: one spot of its map may push towards one class, another towards the other.",
    ):
        k = min(2, on.neurons)
        for_one, for_other = part2.distinguishing_neurons(
            on.model, on.layer, on.xs, on.c1, on.c2, k
        )
        for name, neurons in ((one, for_one), (other, for_other)):
            for neuron in neurons:
                with page.panel(f"neuron {int(neuron)}, for “{name}”"):
                    page.map(part1.saliency_map(on.model, on.layer, int(neuron), on.x))
        k = min(5, on.neurons)
        correlation, overlap = part2.compare_with_single_class(
            on.model, on.layer, on.xs, on.c1, on.c2, k
        )
        page.note(
            f"Compared with the explanation for “{one}” alone, the rank correlation is "
            f"{correlation:.2f}, and {overlap * k:.0f} of the {k} top neurons are the same."
        )


def essence(page, on):
    """The most influential neurons of a class, and what they look at."""
    xs = on.xs[:20]
    where = f"on average over {len(xs)} images" if len(xs) > 1 else "in this image"
    with page.figure(
        f"The essence of “{on.names[on.c1]}”",
        "The neurons that speak most for the class, then those that speak most against it, and "
        f"what they look at {where}: orange pixels raise the neuron's activation, blue ones lower "
        "it.",
    ):
        influence = part1.class_influence(on.model, on.layer, on.xs, on.c1)
        k = min(4, on.neurons)
        most_for, most_against = part3.influential_neurons(influence, k, k)
        for side, neurons in (("for", most_for), ("against", most_against)):
            for neuron in neurons:
                with page.panel(f"neuron {int(neuron)}, {side}"):
                    maps = [part1.saliency_map(on.model, on.layer, int(neuron), x) for x in xs]
                    page.map(sum(maps) / len(maps))


def quality(on, target, positive, negative):
    """Accuracy, precision and recall of a class's classifier with these neurons, in percent."""
    classifier = part3.binary_classifier(
        on.model, on.layer, on.some(target), target, positive, negative
    )
    found = part3.evaluate(classifier, on.test, on.test_labels == target)
    return [f"{100 * float(value):.0f}" for value in found]


def compression(page, on):
    """How well a few neurons recognise a class."""
    all_, name = on.neurons, on.names[on.c1]
    with page.figure(
        f"How few neurons are enough for “{name}”?",
        f"Your classifier says whether an image is a “{name}”, for {len(on.test)} images that the "
        f"network has not seen: with all {all_} neurons of layer {on.layer}, then with only the "
        "most positive and the most negative ones. A classifier that always says no is right for "
        "nine of ten images. So look at precision (the share of its yes that are right) and recall "
        "(the share of the class that it finds). All numbers are in percent.",
    ):
        page.row("neurons", "accuracy", "precision", "recall")
        page.row(f"all {all_}", *quality(on, on.c1, all_, 0))
        for k in (12, 8, 4, 2, 1):
            if 2 * k < all_:
                page.row(f"{k} + {k}", *quality(on, on.c1, k, k))
    k = max(1, all_ // 4)
    with page.figure(
        "Five random classes, before and after",
        f"The same for the classes that your `random_classes` draws, in percent: first with all "
        f"{all_} neurons, then with the {k} most positive and the {k} most negative ones.",
    ):
        page.row("class", "accuracy", "precision", "recall")
        for target in part3.random_classes(len(on.names)):
            before, after = quality(on, target, all_, 0), quality(on, target, k, k)
            change = [f"{b} → {a}" for b, a in zip(before, after, strict=True)]
            page.row(on.names[target], *change)


def essence_of_photo(page, on):
    """Whether a few neurons still tell the photograph's class from other photographs."""
    all_, name = on.neurons, on.names[on.c1]
    with page.figure(
        f"How few neurons still see a “{name}”?",
        f"Your classifier's margin for this photograph and for {len(on.others)} photographs of "
        f"other things: by how much the score of “{name}” exceeds the highest other score, with "
        f"all {all_} neurons of layer {on.layer} and with the most positive and most negative ones "
        "alone. Above zero it says yes. The essence of the class is there as long as this "
        "photograph's margin is the larger one.",
    ):
        page.row("neurons", "this photograph", "the others")
        batch = torch.cat([on.x[None], on.others])
        for positive, negative in ((all_, 0), (64, 64), (16, 16), (4, 4), (1, 1)):
            classifier = part3.binary_classifier(
                on.model, on.layer, on.xs, on.c1, positive, negative
            )
            with torch.no_grad():
                margins = [f"{float(margin):.2f}" for margin in classifier(batch)]
            word = f"all {all_}" if not negative else f"{positive} + {negative}"
            page.row(word, margins[0], ", ".join(margins[1:]))


def samples(page, on, steps):
    """Images of your generator before and after training, beside real ones."""
    latent_dim, batch_size, at_once = 16, 32, 100
    losses, trained = [], 0
    with page.figure(
        "What your generator draws",
        "Images from the same noise before and after training, and real digits. If the images "
        "after training are mush, the generator does not learn. If they all show the same digit, "
        "it has collapsed. `--gan-steps 4000` trains as long as the checks do.",
    ):
        with page.panel("real digits"):
            page.images(on.train[:24], given=True)
        torch.manual_seed(0)
        noise = torch.randn(24, latent_dim)
        generator, discriminator = gan.make_generator(latent_dim), gan.make_discriminator()
        with page.panel("your generator, untrained"), torch.no_grad():
            page.images(generator.eval()(noise))
        opt_g = torch.optim.Adam(generator.parameters(), lr=0.002, betas=(0.5, 0.999))
        opt_d = torch.optim.Adam(discriminator.parameters(), lr=0.002, betas=(0.5, 0.999))
        try:
            while trained < steps:
                page.progress(f"Training the GAN: {trained} of {steps} steps. Ctrl-C stops it.")
                losses += gan.train(
                    *(generator, discriminator, opt_g, opt_d, on.train),
                    *(at_once, batch_size, latent_dim, trained),  # a seed of its own
                )
                trained += at_once
        except KeyboardInterrupt:
            page.note("You stopped the training with Ctrl-C.")
        with page.panel(f"your generator, after {trained} steps"), torch.no_grad():
            page.images(generator.eval()(noise))
    if losses:
        with page.figure(
            "The two losses",
            "Neither has to fall to zero: what one network learns makes it harder for the other. "
            "If the discriminator's loss falls to zero, the generator learns nothing more.",
        ):
            for name in ("d_loss", "g_loss"):
                with page.panel(f"{name}, mean of every 10 steps"):
                    values = torch.tensor([float(step[name]) for step in losses])
                    page.curve(values.reshape(-1, 10).mean(1))


def clusters(page, on):
    """The centres of k-means, and what the images differ by most."""
    points = on.train.flatten(1)
    with page.figure(
        "Ten groups of digits",
        "The centres of ten clusters of images, and some images of the first ones. No label was "
        "used: does each cluster hold one digit?",
    ):
        labels, centres = warmup.kmeans(points, 10)
        labels = torch.as_tensor(labels)
        with page.panel("the ten centres"):
            page.images(torch.as_tensor(centres).reshape(-1, 1, 8, 8))
        for cluster in range(3):
            with page.panel(f"images of cluster {cluster}"):
                page.images(on.train[labels == cluster][:12])
    with page.figure(
        "What do digits differ by most?",
        "The first principal components of the images: each is a direction, orange and blue pixels "
        "change against each other. The number says how much of all variance lies along it.",
    ):
        components, variances = warmup.principal_components(points, 4)
        total = float(points.var(0).sum())
        for row, variance in zip(components, variances, strict=True):
            with page.panel(f"{100 * float(variance) / total:.0f} % of the variance"):
                page.map(row.reshape(8, 8))


def codes(page, on, steps=500):
    """What an autoencoder draws from its codes, and where the digits lie among the codes."""
    with page.figure(
        "Drawn again from a code",
        f"Images that the autoencoder has not seen, and what it draws from their codes after "
        f"{steps} steps. Below, the codes of each digit along the two directions in which all "
        "codes differ most.",
    ):
        with page.panel("the images"):
            page.images(on.test[:24], given=True)
        torch.manual_seed(0)
        autoencoder = warmup.make_autoencoder()
        with torch.no_grad():
            autoencoder(on.test[:2])  # a layer may make its weights at its first use
        optimizer = torch.optim.Adam(autoencoder.parameters(), lr=0.002)
        warmup.train_autoencoder(autoencoder, optimizer, on.train, steps, 64, 0)
        autoencoder.eval()
        with page.panel("drawn again"), torch.no_grad():
            page.images(autoencoder(on.test[:24]))
        with torch.no_grad():
            found = autoencoder.encoder(on.test).flatten(1)
        plane = (found - found.mean(0)) @ torch.linalg.svd(found - found.mean(0))[2][:2].T
        page.groups({f"codes of {d}": plane[on.test_labels == d] for d in range(10)})


def main():
    """Draw everything, then write the page."""
    wishes = ask("Draws what your own functions find, as a page to open in a browser.")
    on = wishes.on
    one, other = on.names[on.c1], on.names[on.c2]
    page = Page(
        f"“{one}”, as your functions explain it",
        f"The network's score for this image is {on.score(on.x, on.c1):.1f} for “{one}” and "
        f"{on.score(on.x, on.c2):.1f} for “{other}”. In all maps orange is above zero, blue is "
        f"below zero, and white is zero. {' '.join(on.notes)}".strip(),
        __file__,
    )
    page.section("Focused explanation", "part1_focused.py")
    input_gradients(page, on)
    top_neurons(page, on)
    saliency(page, on)
    integrated_saliency(page, on)
    page.section("Comparative explanation", "part2_comparative.py")
    comparison(page, on)
    distinguishing_neurons(page, on)
    page.section("Model compression", "part3_compression.py")
    essence(page, on)
    if on.test is not None:  # for your own image there is too little for a test
        compression(page, on)
    if on.others is not None:
        essence_of_photo(page, on)
    if on.test is not None and os.path.isfile("warmup.py"):
        page.section("Unsupervised learning", "warmup.py")
        clusters(page, on)
        codes(page, on)
    if wishes.gan_steps:
        page.section("Generative adversarial network", "gan.py")
        samples(page, on, wishes.gan_steps)
    wishes.keep(page.html())


if __name__ == "__main__":
    main()
