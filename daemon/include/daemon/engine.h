/* SPDX-License-Identifier: ISC */
/*
 * The engine: workers that carry deployments from step to step by asking the pure lease machine
 * what comes next, the reaper that acts at deadlines, and the reconciliation at start.
 *
 * All functions: any thread. Those that change a lease return when the change is durable; the
 * work itself goes on in the engine's threads.
 */
#ifndef DAEMON_ENGINE_H
#define DAEMON_ENGINE_H

#include "daemon/core.h"
#include "daemon/plan.h"

/* Starts workers and reaper, after reconciling the store with what really exists: every
 * deployment not final is adopted, resumed, or found gone. */
int mird_engine_start(struct mird_core *core, struct mird_engine **ret, struct mir_error *err);

/* Stops the threads; what runs goes on running under its other hooks. */
void mird_engine_stop(struct mird_engine *engine);

/* What a deploy of this request would do: the document of POST /v1/plans (new reference). Changes
 * nothing. Errors as for a deploy. */
int mird_engine_plan(struct mird_engine *engine, const struct mird_request *request, json_t **ret,
                     struct mir_error *err);

/* Plan, admit, and commit deployment + lease + steps + operation in one transaction; then wake
 * the workers. Fills *ret_d and *ret_op. Errors: MIR_USAGE, MIR_NOT_FOUND (kernel, provider),
 * MIR_POLICY (cannot boot there, over a limit), MIR_CONFLICT (name or port taken). */
int mird_engine_deploy(struct mird_engine *engine, const struct mird_request *request,
                       const char *idempotency_key, const char *body_sha,
                       struct mird_deployment *ret_d, struct mird_operation *ret_op,
                       struct mir_error *err);

/* Forget a stored kernel and remove its files. MIR_CONFLICT while a deployment of it is under way,
 * MIR_NOT_FOUND when there is none. */
int mird_engine_forget_kernel(struct mird_engine *engine, const char *sha256,
                              struct mir_error *err);

/* Deployments are named by name or by id from here on; who: the user who asks, for the audit log's
 * line, which is written with the change. */

/* Move the deadline (absolute). Never after the teardown has begun (MIR_CONFLICT), never past the
 * policy's longest lease (MIR_POLICY). expect_version 0: whatever it is. */
int mird_engine_extend(struct mird_engine *engine, const char *name, const char *who,
                       int64_t deadline_s, uint64_t expect_version, struct mird_deployment *ret_d,
                       struct mird_operation *ret_op, struct mir_error *err);

/* End it now. A deployment that is ending or over already is a success (ret_op finished). */
int mird_engine_remove(struct mird_engine *engine, const char *name, const char *who,
                       struct mird_deployment *ret_d, struct mird_operation *ret_op,
                       struct mir_error *err);

/* What the public process's prober saw of a deployment's site. */
void mird_engine_probed(struct mird_engine *engine, const char *deployment,
                        const struct mird_probe *probe);

/* Console text kept for a deployment: <state_dir>/logs/<id>.log, owned path. Written by the
 * engine, complete (last lines included) before the deployment becomes final. */
char *mird_engine_log_path(const struct mird_core *core, const char *deployment);

/* For `logs --since`: the offset in that file of what was read from the console at or after
 * since_s, to about a second (the engine notes time and offset as it appends); the file's end when
 * nothing was. Cheap; 0 when nothing was noted. */
int64_t mird_engine_log_since(const struct mird_core *core, const char *deployment,
                              int64_t since_s);

/* Somebody follows the console of this one (an id): it is looked at by itself from now on, however
 * many others there are. */
void mird_engine_follow(struct mird_engine *engine, const char *id);

/* The hook "reaper" of a provider: does a mirage-reap come again that looks at that place ("":
 * any)? Filled in but for what only a lease knows. False: the provider has no such hook. Blocking;
 * the provider is asked at most every few seconds. */
bool mird_engine_reaper_hook(struct mird_engine *engine, struct mir_prov *prov, const char *place,
                             int64_t deadline_s, struct mir_hook *ret);

/* Has the reaper made a round since the last call? Wakes it up for the next. One thread only. */
bool mird_engine_turns(struct mird_engine *engine);

/* 2025-01-01: a clock before that is a clock that was never set. */
#define MIRD_CLOCK_SANE_S ((int64_t)1735689600)

/* How late the reaper is, 0 when it is not (for /readyz), and figures for /metrics. */
struct mird_engine_figures {
    int64_t reaper_late_ms;
    uint64_t teardowns_ok, teardowns_failed;
    int64_t worst_lateness_s; /* gone minus deadline, since start */
    int64_t clock_behind_ms;  /* the machine's, behind the time that deadlines go by */
};
void mird_engine_figures(struct mird_engine *engine, struct mird_engine_figures *ret);

#endif
