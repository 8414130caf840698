"""What moved one patient's prediction, what would turn it, and what counts over a cohort."""
