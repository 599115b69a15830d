"""Models as bytes and back: plain arrays, or estimators of types we name. Nothing is ever unpickled.

Read only what `signing.verified` let through: both formats are zip archives, and whoever writes those can make a small
one open into a very large one.
"""

import io
import zipfile
from typing import Any, Final

import numpy as np

from predictive.detectors.contract import Arrays, Model
from predictive.training.card import Format, Packed
from predictive.training.errors import ModelRefused, RefusalReason

# What an estimator may be made of beyond what skops trusts by itself (numpy, scipy and scikit-learn's own estimators).
TRUSTED_TYPES: Final[tuple[str, ...]] = ()
# Kinds of arrays without objects in them: booleans, integers, floats, complex, fixed text.
_PLAIN_KINDS: Final = "biufcU"


def pack_arrays(arrays: Model) -> Packed:
    """Raises TypeError for an array of objects: it could not be read without unpickling."""
    for name, array in arrays.items():
        if array.dtype.kind not in _PLAIN_KINDS:
            raise TypeError(f"array {name} has dtype {array.dtype}; a model is made of plain arrays")
    file = io.BytesIO()
    # By a dictionary, because a name like `file` would be taken for a parameter.
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, np.ascontiguousarray(array), allow_pickle=False)
    return Packed(Format.ARRAYS, file.getvalue())


def unpack_arrays(packed: Packed) -> Arrays:
    """Raises ModelRefused for another format, for what is no archive of arrays, and for arrays of objects."""
    if packed.format is not Format.ARRAYS:
        raise ModelRefused(RefusalReason.UNKNOWN_TYPE, f"the content is {packed.format.value}, not plain arrays")
    try:
        with np.load(io.BytesIO(packed.content), allow_pickle=False) as archive:
            found = {name: archive[name] for name in archive.files}
    except (ValueError, OSError, zipfile.BadZipFile, KeyError, EOFError) as error:
        raise ModelRefused(RefusalReason.UNKNOWN_TYPE, str(error)) from error
    # numpy hands out what is no array as bytes.
    if strange := [name for name, array in found.items() if not isinstance(array, np.ndarray)]:
        raise ModelRefused(RefusalReason.UNKNOWN_TYPE, f"no arrays: {', '.join(strange)}")
    return found


def pack_estimator(estimator: object) -> Packed:
    """An estimator of scikit-learn, or a plain structure of them. Raises TypeError for types that `unpack_estimator`
    would refuse."""
    import skops.io  # here and below: a serving hub has no use for scikit-learn

    content = skops.io.dumps(estimator)
    if strange := _strange_types(content):
        raise TypeError(f"types that are not trusted: {', '.join(strange)}; see predictive.training.packing")
    return Packed(Format.ESTIMATOR, content)


def unpack_estimator(packed: Packed) -> Any:
    """Raises ModelRefused for another format and for types that are not trusted."""
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    if packed.format is not Format.ESTIMATOR:
        raise ModelRefused(RefusalReason.UNKNOWN_TYPE, f"the content is {packed.format.value}, no estimator")
    try:
        if strange := _strange_types(packed.content):
            raise ModelRefused(RefusalReason.UNKNOWN_TYPE, ", ".join(strange))
        return skops.io.loads(packed.content, trusted=list(TRUSTED_TYPES))
    except (UntrustedTypesFoundException, ValueError, OSError, zipfile.BadZipFile, KeyError, TypeError) as error:
        raise ModelRefused(RefusalReason.UNKNOWN_TYPE, str(error)) from error


def _strange_types(content: bytes) -> list[str]:
    import skops.io

    return sorted(set(skops.io.get_untrusted_types(data=content)) - set(TRUSTED_TYPES))
