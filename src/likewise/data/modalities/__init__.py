"""From the columns of a catalogue to tensors."""
