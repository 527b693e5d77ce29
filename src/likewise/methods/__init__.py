"""How an encoder is trained: one LightningModule a file."""
