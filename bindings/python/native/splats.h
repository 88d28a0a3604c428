/* Splat models between Python and C. */
#ifndef DIFFY_PYTHON_SPLATS_H
#define DIFFY_PYTHON_SPLATS_H

#include "native.h"

#include "diffy/splat.h"

/* The model of a tuple, borrowed and not to be changed; -1 with an exception. */
int native_model(PyObject *tuple, DfySplats *splats);
/* A tuple of copies. */
PyObject *native_model_tuple(const DfySplats *splats);
/* Defaults, then what a dict names; -1 with an exception. */
int native_splat_settings(DfySplatSettings *settings, PyObject *names);

#endif
