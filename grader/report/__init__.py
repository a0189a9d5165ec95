"""What readers get: one module per format over one ``Report``; ``redact`` comes first."""
