"""What ``student.`` and ``oracle.`` offer, by the contract.

Made by ``python -m grader.calls.stub``: change the contract, not this file.
"""

from collections.abc import Sequence

import numpy as np

from grader.calls.functions import Handle
from grader.homework.networks import Network
from grader.records import Call, NumPy

Given = np.ndarray | NumPy | Call
Model = Network | Call

class Signatures:
    def linear_scores(self, model: Model, *, seed: int = 0) -> Handle: ...
    def split(self, model: Model, layer: int, *, seed: int = 0) -> tuple[Handle, Handle]: ...
    def instance_influence(
        self,
        model: Model,
        layer: int,
        xs: Given,
        target: int,
        *,
        seed: int = 0,
    ) -> np.ndarray: ...
    def class_influence(
        self,
        model: Model,
        layer: int,
        xs: Given,
        target: int,
        weights: Given | Sequence[float] | None = None,
        *,
        seed: int = 0,
    ) -> np.ndarray: ...
    def path_influence(
        self,
        model: Model,
        layer: int,
        x: Given,
        baseline: Given,
        target: int,
        steps: int = 50,
        *,
        seed: int = 0,
    ) -> np.ndarray: ...
    def integrated_gradients(
        self,
        model: Model,
        x: Given,
        baseline: Given,
        target: int,
        steps: int = 50,
        *,
        seed: int = 0,
    ) -> np.ndarray: ...
    def top_neurons(self, attribution: Given, k: int = 1, *, seed: int = 0) -> np.ndarray: ...
    def saliency_map(
        self,
        model: Model,
        layer: int,
        neuron: int,
        x: Given,
        *,
        seed: int = 0,
    ) -> np.ndarray: ...
    def integrated_saliency_map(
        self,
        model: Model,
        layer: int,
        neuron: int,
        x: Given,
        baseline: Given,
        steps: int = 50,
        *,
        seed: int = 0,
    ) -> np.ndarray: ...
    def scale_pixels(self, x: Given, saliency: Given, *, seed: int = 0) -> np.ndarray: ...
    def compare_attributions(
        self,
        a: Given,
        b: Given,
        k: int,
        *,
        seed: int = 0,
    ) -> tuple[float, float]: ...
    def comparative_influence(
        self,
        model: Model,
        layer: int,
        xs: Given,
        c1: int,
        c2: int,
        weights: Given | Sequence[float] | None = None,
        *,
        seed: int = 0,
    ) -> np.ndarray: ...
    def comparative_integrated_gradients(
        self,
        model: Model,
        x: Given,
        baseline: Given,
        c1: int,
        c2: int,
        steps: int = 50,
        *,
        seed: int = 0,
    ) -> np.ndarray: ...
    def distinguishing_neurons(
        self,
        model: Model,
        layer: int,
        xs: Given,
        c1: int,
        c2: int,
        k: int,
        *,
        seed: int = 0,
    ) -> tuple[np.ndarray, np.ndarray]: ...
    def compare_with_single_class(
        self,
        model: Model,
        layer: int,
        xs: Given,
        c1: int,
        c2: int,
        k: int,
        *,
        seed: int = 0,
    ) -> tuple[float, float]: ...
    def random_classes(self, num_classes: int, k: int = 5, seed: int = 0) -> np.ndarray: ...
    def influential_neurons(
        self,
        influence: Given,
        positive: int,
        negative: int,
        *,
        seed: int = 0,
    ) -> tuple[np.ndarray, np.ndarray]: ...
    def mask_slice(
        self,
        model: Model,
        layer: int,
        keep: Given | Sequence[int],
        *,
        seed: int = 0,
    ) -> Handle: ...
    def binary_classifier(
        self,
        model: Model,
        layer: int,
        xs: Given,
        target: int,
        positive: int,
        negative: int,
        *,
        seed: int = 0,
    ) -> Handle: ...
    def evaluate(
        self,
        classifier: Model,
        xs: Given,
        is_target: Given,
        *,
        seed: int = 0,
    ) -> tuple[float, float, float]: ...
    def make_generator(self, latent_dim: int, *, seed: int = 0) -> Handle: ...
    def make_discriminator(self, *, seed: int = 0) -> Handle: ...
    def discriminator_loss(
        self,
        real_logits: Given,
        fake_logits: Given,
        *,
        seed: int = 0,
    ) -> float: ...
    def generator_loss(self, fake_logits: Given, *, seed: int = 0) -> float: ...
    def discriminator_penalty(
        self,
        discriminator: Model,
        real: Given,
        fake: Given,
        *,
        seed: int = 0,
    ) -> float: ...
    def train_step(
        self,
        generator: Model,
        discriminator: Model,
        opt_g: object,
        opt_d: object,
        real: Given,
        z: Given,
        *,
        seed: int = 0,
    ) -> object: ...
    def train(
        self,
        generator: Model,
        discriminator: Model,
        opt_g: object,
        opt_d: object,
        images: Given,
        steps: int,
        batch_size: int,
        latent_dim: int,
        seed: int,
    ) -> object: ...
    def kmeans(self, points: Given, k: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]: ...
    def principal_components(
        self,
        points: Given,
        k: int,
        *,
        seed: int = 0,
    ) -> tuple[np.ndarray, np.ndarray]: ...
    def make_autoencoder(self, *, seed: int = 0) -> Handle: ...
    def train_autoencoder(
        self,
        autoencoder: Model,
        optimizer: object,
        images: Given,
        steps: int,
        batch_size: int,
        seed: int,
    ) -> object: ...
