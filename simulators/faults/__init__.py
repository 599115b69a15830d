"""What may go wrong: faults by name, for which devices, with which parameters, since when and until when."""
