"""Jobs on a real SLURM: `make test-slurm`, as root on a Debian with slurm-wlm and munge."""
