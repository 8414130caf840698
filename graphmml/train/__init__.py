"""From a cohort to evidence: estimator, cross-validation, artefacts."""
