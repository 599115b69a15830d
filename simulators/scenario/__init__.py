"""Stories with expected outcomes and times: TOML files, played against a running hub through its own doors."""
