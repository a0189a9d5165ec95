"""The part of the course's slides, and the formula, that each function of the homework is about."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from markupsafe import Markup

__all__ = ["THEORY", "Theory", "mathml"]


@dataclass(frozen=True)
class Theory:
    """What a function computes: where the slides say so, and the formula in TeX."""

    slides: str
    """The slide's title."""
    formula: str
    source: str = ""
    """The paper and its equation, where the formula is not the slides' own."""


_DEFINITION = "Influence-Directed Explanations, definition 1"
_OVERVIEW = "HW3 Overview"
_GAN = "Generative Adversarial Network"
_GOODFELLOW = "Goodfellow et al. 2014, arXiv:1406.2661"
_SMOOTH = r"\operatorname{softmax}"

THEORY = {
    "linear_scores": Theory(
        "Linear Activation Layer", rf"f(x) = {_SMOOTH}(s(x)),\quad \text{{wanted: }} s(x)"
    ),
    "split": Theory("Influence-Directed Explanations", r"f(x) = g(h(x)),\quad z = h(x)"),
    "instance_influence": Theory(
        _DEFINITION,
        r"\left.\frac{\partial g_c}{\partial z}\right|_{z = h(x)}",
    ),
    "class_influence": Theory(
        _DEFINITION,
        r"\chi = \sum_i p_i \left.\frac{\partial g_c}{\partial z}\right|_{h(x_i)},\quad"
        r" p_i = \frac{w_i}{\sum_j w_j}",
        "Leino et al. 2018, arXiv:1802.03788, definition 1",
    ),
    "path_influence": Theory(
        "Comparison between the two",
        r"\chi = \int_0^1 \left.\frac{\partial g_c}{\partial z}\right|_{h(x' + \alpha (x - x'))}"
        r" d\alpha",
        "Leino et al. 2018, arXiv:1802.03788, definition 1",
    ),
    "integrated_gradients": Theory(
        "Approximation Method for IG",
        r"(x - x') \int_0^1 \nabla F(x' + \alpha (x - x'))\, d\alpha \approx (x - x')"
        r" \frac{1}{m} \sum_{k=1}^{m} \nabla F\left(x' + \frac{k}{m} (x - x')\right)",
        "Sundararajan et al. 2017, arXiv:1703.01365, equation 3",
    ),
    "top_neurons": Theory("Top Neuron", r"\operatorname{rank}_j \max_{u, v} A_{j u v}"),
    "saliency_map": Theory("Visualization", r"\nabla_x \max_{u, v} h_{j u v}(x)"),
    "integrated_saliency_map": Theory(
        "Visualization",
        r"(x - x') \int_0^1 \nabla_x \max_{u, v} h_{j u v}(x' + \alpha (x - x'))\, d\alpha",
    ),
    "scale_pixels": Theory("Visualization", r"x \cdot \frac{s}{\max s},\quad s = \max_c |S_c|"),
    "compare_attributions": Theory(
        "Comparison between the two",
        r"\rho = \operatorname{corr}(\operatorname{rank} a, \operatorname{rank} b),\quad"
        r" \frac{|T_k(a) \cap T_k(b)|}{k}",
    ),
    "comparative_influence": Theory(
        _OVERVIEW,
        r"\sum_i p_i \left.\frac{\partial (g_{c_1} - g_{c_2})}{\partial z}\right|_{h(x_i)}",
    ),
    "comparative_integrated_gradients": Theory(
        _OVERVIEW,
        r"(x - x') \int_0^1 \nabla (F_{c_1} - F_{c_2})(x' + \alpha (x - x'))\, d\alpha",
    ),
    "distinguishing_neurons": Theory(
        _OVERVIEW,
        r"\text{for } c_1: \text{largest } \max_{u, v} \chi_{j u v},\quad"
        r" \text{for } c_2: \text{smallest } \min_{u, v} \chi_{j u v}",
    ),
    "compare_with_single_class": Theory(
        _OVERVIEW,
        r"\frac{\partial (g_{c_1} - g_{c_2})}{\partial z} \text{ beside }"
        r" \frac{\partial g_{c_1}}{\partial z}",
    ),
    "random_classes": Theory(_OVERVIEW, r"C \subset \{0, \dots, K - 1\},\quad |C| = k"),
    "influential_neurons": Theory(
        _OVERVIEW,
        r"\text{largest } \max_{u, v} \chi_{j u v},\quad \text{smallest } \min_{u, v} \chi_{j u v}",
    ),
    "mask_slice": Theory(
        _OVERVIEW,
        r"g(m \cdot h(x)),\quad m_j = 1 \text{ where } j \text{ is kept, else } 0",
    ),
    "binary_classifier": Theory(
        _OVERVIEW, r"s = g(m \cdot h(x)),\quad s_c - \max_{k \neq c} s_k > 0"
    ),
    "evaluate": Theory(
        _OVERVIEW,
        r"\text{accuracy} = \frac{TP + TN}{N},\quad \text{precision} = \frac{TP}{TP + FP},\quad"
        r" \text{recall} = \frac{TP}{TP + FN}",
    ),
    "make_generator": Theory(_GAN, r"G(z) \sim p_{\text{model}},\quad z \sim N(0, 1)"),
    "make_discriminator": Theory(
        _GAN,
        r"D(x) = \sigma(\text{logit}),\quad D^*(x) ="
        r" \frac{p_{\text{data}}(x)}{p_{\text{data}}(x) + p_{\text{model}}(x)}",
        f"{_GOODFELLOW}, proposition 1",
    ),
    "discriminator_loss": Theory(
        _GAN,
        r"-E_x \log D(x) - E_z \log(1 - D(G(z)))",
        f"{_GOODFELLOW}, equation 1; other families have losses of their own",
    ),
    "generator_loss": Theory(
        _GAN,
        r"-E_z \log D(G(z))",
        f"{_GOODFELLOW}, section 3; other families have losses of their own",
    ),
    "train_step": Theory(
        _GAN,
        r"\theta_D \leftarrow \theta_D - \eta \nabla_{\theta_D} L_D,\quad"
        r" \theta_G \leftarrow \theta_G - \eta \nabla_{\theta_G} L_G",
        f"{_GOODFELLOW}, algorithm 1",
    ),
    "train": Theory("Generative Model", r"p_{\text{model}}(x) \approx p_{\text{data}}(x)"),
    "kmeans": Theory(
        "K-means clustering",
        r"l_i = \operatorname{argmin}_j \|x_i - \mu_j\|^2,\quad"
        r" \mu_j = \frac{1}{n_j} \sum_{l_i = j} x_i",
    ),
    "principal_components": Theory(
        "Principal Component Analysis",
        r"\frac{1}{N - 1} \sum_i (x_i - \bar{x}) (x_i - \bar{x})^T v_j = \lambda_j v_j",
    ),
    "make_autoencoder": Theory("Autoencoders", r"\hat{x} = d(e(x)),\quad e(x) \in \mathbb{R}^8"),
    "train_autoencoder": Theory("Autoencoders", r"\min \frac{1}{N} \sum_i \|d(e(x_i)) - x_i\|^2"),
}
"""By the function's name."""


@lru_cache
def mathml(tex: str) -> Markup:
    """A formula as MathML, which browsers show without a script.

    Only formulas of this file are converted, nothing that a submission says.
    """
    from latex2mathml.converter import convert  # not where only the slides' titles are wanted

    return Markup(convert(tex, display="block"))
