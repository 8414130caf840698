"""The errors a user can meet.

::

    ValueError
     └── GraphmmlError      any of the following; the command line turns it into exit code 2
          ├── CohortError    a table, a column, an id or an option about patients is not usable
          ├── GraphError     a graph cannot be built as asked
          ├── NotFittedError a model is asked to predict before it was fitted (also an AttributeError)
          └── StoreError     a folder that should hold a model, a graph or a run does not, or was changed

Every message says what was found, what was wanted and what to do next. None names a patient.
Anything else that is raised is a bug of ours.
"""


class GraphmmlError(ValueError):
    """What was asked cannot be done as it stands; the message says how to mend it."""


class CohortError(GraphmmlError):
    """The patients' tables, or what is asked of them, do not fit."""


class GraphError(GraphmmlError):
    """A graph cannot be built or used as asked."""


class NotFittedError(GraphmmlError, AttributeError):
    """The model has not seen any patients yet."""


class StoreError(GraphmmlError):
    """A saved model, graph or run is absent, damaged or not ours."""
