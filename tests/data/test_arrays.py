"""An encoded cohort survives the way to a file and back, without a pickled object."""

import io

import numpy as np
import pandas as pd
import pytest

from graphmml.data.arrays import from_arrays, from_bytes, to_arrays, to_bytes


def test_an_encoded_cohort_comes_back_whole(encoded):
    back = from_arrays(from_bytes(to_bytes(to_arrays(encoded))))
    assert back.ids.equals(encoded.ids)
    assert back.modalities == encoded.modalities
    assert np.array_equal(back.present, encoded.present)
    assert np.array_equal(back.keys, encoded.keys)
    assert back.columns == dict(encoded.columns)
    pd.testing.assert_frame_equal(back.groups, encoded.groups, check_dtype=False)
    for name in encoded.modalities:
        assert np.array_equal(back.features[name], encoded.features[name])
        assert back.features[name].dtype == np.float32
        pd.testing.assert_frame_equal(back.tables[name], encoded.tables[name])


def test_names_with_slashes_and_empty_levels_come_back(encoded):
    arrays = to_arrays(encoded)
    assert all(values.dtype != object for values in arrays.values())
    assert from_bytes(to_bytes({"a/b/c": np.arange(3)}))["a/b/c"].tolist() == [0, 1, 2]


def test_objects_are_refused():
    stream = io.BytesIO()
    np.savez(stream, bad=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle"):
        from_bytes(stream.getvalue())
