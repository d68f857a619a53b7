"""Models by name."""

import numpy as np
import pytest

from movierec.models import registry
from movierec.training.named_settings import SETTINGS

DIMS = (5, 3, 7)


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("name", registry.NAMES)
def test_every_model_is_built_from_every_setting(name, setting):
    model = registry.keras_class(name)(DIMS, **SETTINGS[setting].model_arguments(name))
    assert model(np.zeros((4, 3), np.int32)).shape == (4, 1)
