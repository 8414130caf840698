"""What is known about patients: tables joined by id, encoded by training rows alone."""
