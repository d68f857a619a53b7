"""The models by name."""

TITLES = {"autoint": "AutoInt", "autointmlp": "AutoInt+"}
NAMES = (*TITLES, "fm")  # "fm": the factorisation machine, a baseline


def keras_class(name: str) -> type:
    """The Keras model class of that name, one of `NAMES`."""
    # TensorFlow takes seconds to import, so it is imported on demand.
    if name == "autoint":
        from autoint import AutoInt

        return AutoInt
    if name == "autointmlp":
        from autointmlp import AutoIntMLP

        return AutoIntMLP
    from movierec.models.factorization_machine import FactorizationMachine

    return FactorizationMachine


def has_compiled_kernels(model) -> bool:
    """Whether the compiled kernels compute this Keras model.

    They compute only AutoInt and AutoIntMLP themselves: a subclass may override a method.
    """
    return type(model) in [keras_class(name) for name in TITLES]
