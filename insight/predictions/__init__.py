"""How often predictions were right: labels from closing codes and parts, figures a model, mutings, models on trial."""
