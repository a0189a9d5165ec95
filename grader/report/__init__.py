"""What readers get: one module per format over one ``Report``; ``deliver`` comes first."""
