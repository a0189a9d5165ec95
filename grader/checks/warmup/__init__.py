"""Checks of the warm-up, which an assignment may leave out: k-means, PCA and an autoencoder."""
