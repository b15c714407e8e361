/* SPDX-License-Identifier: ISC */
/*
 * Scripted trouble: which call is hit is said by service, operation and number; how, by a mode.
 * A fault counts the calls that match it from the moment that it was set: `number` 3 with `times` 2
 * strikes the third and the fourth. Under the world's lock.
 *
 * As JSON (POST /_faults): {"service": "ec2", "operation": "RunInstances", "number": 1, "times": 1,
 * "mode": "fail-before", "status": 500, "code": "InternalError", "message": "…", "ms": 1000,
 * "where": {"InstanceId.1": "i-0…"}, "call": 17}. All but `mode` may be left out; service and
 * operation are "*" then; times 0 is for ever. `call` names one by its number in the log instead.
 */
#ifndef FAKECLOUD_FAULTS_H
#define FAKECLOUD_FAULTS_H

#include <jansson.h>
#include <stdbool.h>

#include "api/error.h"
#include "refusal.h"

enum fc_fault_when { FC_FAULT_NONE = 0, FC_FAULT_BEFORE, FC_FAULT_AFTER };

enum fc_fault_act {
    FC_ACT_ERROR = 0, /* status and code, in the service's own words */
    FC_ACT_HTML,      /* a page from some machine in between */
    FC_ACT_RESET,
    FC_ACT_HANG, /* until the client goes away, or ms */
    FC_ACT_DELAY,
    FC_ACT_GARBLE, /* bytes of the body are others */
    FC_ACT_TRUNCATE,
    FC_ACT_DRIP
};

struct fc_fault {
    enum fc_fault_when when; /* before the call is executed, or after */
    enum fc_fault_act act;
    const char *mode; /* the name of both; static */
    int64_t ms;
    struct fc_refusal refusal;
};

/* What a fault's `where` is held against: the value of a parameter, NULL when there is none. */
typedef const char *fc_parameter_fn(void *ctx, const char *name);

struct fc_faults;

struct fc_faults *fc_faults_new(void);
void fc_faults_free(struct fc_faults *faults);

/* One fault, or a list of them: all or none is set. MIR_USAGE says which member is wrong. */
int fc_faults_set(struct fc_faults *faults, json_t *json, struct mir_error *err);
void fc_faults_clear(struct fc_faults *faults);
json_t *fc_faults_json(const struct fc_faults *faults); /* with "matched" and "struck" */

/* Count this call in every fault that matches; the first that strikes is the answer. */
void fc_faults_take(struct fc_faults *faults, const char *service, const char *operation,
                    uint64_t call, fc_parameter_fn *parameter, void *ctx, struct fc_fault *ret);

#endif
