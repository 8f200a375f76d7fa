"""What models achieved that were trained with each setting: shared by `--runs` and `--train`."""
