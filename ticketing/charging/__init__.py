"""Who pays, what is published, what was quoted and agreed, and what is to be billed for it. No payment here."""
