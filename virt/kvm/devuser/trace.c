// SPDX-License-Identifier: GPL-2.0-only
/*
 * The KVM user device: its tracepoints.
 */

#define CREATE_TRACE_POINTS
#include "trace.h"
