"""What runs in a guest to train and try a GAN."""
