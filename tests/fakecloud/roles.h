/* SPDX-License-Identifier: ISC */
/*
 * Who may do what: roles with whom they trust and what they allow, sessions of them, and the policy
 * of the account's own user. All under the world's lock.
 *
 * A policy is what IAM calls one: {"Statement": [{"Effect": "Allow", "Action": ["ec2:Describe*"],
 * "Resource": "*"}]}. Of a caller's policy all of it counts (bounds.h); of a role's by which a
 * schedule acts, Effect and Action alone.
 */
#ifndef FAKECLOUD_ROLES_H
#define FAKECLOUD_ROLES_H

#include "service.h"

/* The roles that every fake begins with: vmimport, mirage-scheduler, mirage-deployer. */
void fc_roles_ready(struct fc_world *world);

/* {"name": …, "trust": ["scheduler.amazonaws.com"], "policy": {…}}: made or replaced. */
int fc_role_set(struct fc_world *world, const json_t *json, struct mir_error *err);
/* The policy of the account's user; null: everything is allowed. */
int fc_policy_set(struct fc_world *world, const json_t *policy, struct mir_error *err);

/* By "arn:aws:iam::ACCOUNT:role/NAME"; NULL: none. */
struct fc_object *fc_role_by_arn(const struct fc_world *world, const char *arn);
bool fc_role_trusts(const struct fc_object *role, const char *principal);
bool fc_role_allows(const struct fc_object *role, const char *action);

/* May the caller do this operation, with all that its parameters ask for? And this action, by its
 * name in IAM? Refused as the call's service words it. */
int fc_permitted(struct fc_call *call, struct fc_refusal *refusal);
int fc_may(struct fc_call *call, const char *action, struct fc_refusal *refusal);

/* Does a policy allow the action? NULL allows everything. */
bool fc_policy_allows(const json_t *policy, const char *action);

/* A session: keys that end. Its document has accessKeyId, secret, token, expires_ms. Borrowed. */
const json_t *fc_session_new(struct fc_world *world, const struct fc_object *role,
                             const char *session_name, int64_t life_s,
                             const struct fc_cause *cause);

/* Ends all that have not ended: as when somebody revokes a role's sessions. Their number. */
unsigned fc_sessions_end(struct fc_world *world);

/* Web identity: a token of this fake's own making, valid for life_s; owned. */
char *fc_web_token(const struct fc_world *world, const char *subject, int64_t life_s);
/* 0 and the subject (owned); 1: expired; -1: none of ours. */
int fc_web_token_read(const struct fc_world *world, const char *token, char **ret_subject);

#endif
