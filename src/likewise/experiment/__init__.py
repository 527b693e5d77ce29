"""From a composed config to the parts of a run; the only reader of ``_target_``."""
