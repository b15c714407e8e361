/* SPDX-License-Identifier: ISC */
/*
 * How far a policy lets a call go: the statements' Resource and Condition, held against what the
 * call names and what it would make. Each of these things has to be allowed by some statement.
 * Source: AWS Service Authorization Reference (what is made by which call, which things have an
 * account in their names). Under the world's lock.
 */
#ifndef FAKECLOUD_BOUNDS_H
#define FAKECLOUD_BOUNDS_H

#include "service.h"

/* A condition that is not known here does not hold: Null of aws:RequestTag and aws:ResourceTag,
 * StringEquals of ec2:CreateAction and iam:PassedToService, ArnLike of ec2:ParentVolume are. NULL
 * allows everything. */
bool fc_bounds_allow(const json_t *policy, const struct fc_call *call, const char *action);

/* Does a statement allow the action on that one thing, conditions aside? For roles by which AWS
 * itself acts. */
bool fc_bounds_reach(const json_t *policy, const char *action, const char *arn);

/* Does a statement speak of the action? */
bool fc_statement_names(const json_t *statement, const char *action);

#endif
