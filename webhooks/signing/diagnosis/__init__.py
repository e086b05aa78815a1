"""Why a webhook does not verify: which of its inputs is wrong, found by trying what integrators get wrong."""
