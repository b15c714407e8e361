/* SPDX-License-Identifier: ISC */
#include "prove.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/file.h"
#include "api/log.h"
#include "api/memory.h"
#include "api/proof.h"
#include "api/provider.h"
#include "daemon/kernel_store.h"
#include "disk_file.h"
#include "engine_parts.h"
#include "images/digest.h"

#define LIMIT_S 60        /* for the boot */
#define LEASE_SPARE_S 60  /* beyond it, for the launch and for the teardown */
#define TEARDOWN_MS 60000 /* after it, its lease ends it */
#define BUILD_MS 120000   /* for the disk */
#define LOOK_MS 200       /* between two looks */
#define DISK_MAX ((uint64_t)1 << 30)
#define PIECE (1u << 20)

struct proof {
    struct mird_engine *engine;
    const struct mird_deployment *d; /* that it is for */
    const struct mir_instance_spec *spec;
    const struct mir_needs *needs;
    const struct mir_proof_target *target;
    struct mir_kernel disk;   /* as the kernel store has it */
    char name[MIR_NAME_TEXT]; /* of its boot */
    struct mird_deployment boot;
};

/* --- the disk, as a kernel in the store --- */

static int write_disk(const struct proof *p, int fd, struct mir_error *err)
{
    struct mir_instance_spec plain = *p->spec;
    plain.prover = NULL;
    if (!mird_disk_write(&p->engine->core->imager, &plain, p->needs, DISK_MAX, fd, err))
        return 0;
    return err && err->kind == MIR_POLICY ? mir_error_hint(err, "deploy it without --prove") : -1;
}

static int copy_up(int fd, struct mird_upload *upload, struct mir_error *err)
{
    mir_auto_free char *piece = mir_calloc(1, PIECE);
    off_t at = 0;
    for (;;) {
        ssize_t n = pread(fd, piece, PIECE, at);
        if (n < 0)
            return mir_fail_errno(err, errno, "cannot read the disk that is to be proven");
        if (!n)
            return 0;
        if (mird_upload_write(upload, piece, (size_t)n, err))
            return -1;
        at += n;
    }
}

static int take_in(struct proof *p, int fd, const char *sha256, struct mir_error *err)
{
    const struct mird_core *core = p->engine->core;
    struct mird_upload *upload;
    if (mird_upload_begin(&mird_depot_kernels, core->state_dir, sha256, DISK_MAX, &upload, err))
        return -1;
    int rc = copy_up(fd, upload, err) ||
                     mird_kernel_finish(upload, sha256, core->helper_path, &p->disk, err) ||
                     mird_store_kernel_put(core->store, &p->disk, mir_now_s(core->clock), err)
                 ? -1
                 : 0;
    mird_upload_free(upload);
    return rc;
}

static int store_disk(struct proof *p, struct mir_error *err)
{
    const struct mird_core *core = p->engine->core;
    char sha256[MIR_SHA256_TEXT];
    mir_auto_close int fd = open(core->state_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0)
        return mir_fail_errno(err, errno, "cannot make a file in %s", core->state_dir);
    if (write_disk(p, fd, err) || img_digest_fd(fd, "the disk", sha256, err))
        return -1;
    bool known = !mird_kernel_known(core, sha256, &p->disk, NULL);
    bool copy = !known || mird_proof_copy_noted(p->engine, sha256);
    if (copy && mird_proof_copy_note(p->engine, sha256, p->name, err))
        return -1;
    return known ? 0 : take_in(p, fd, sha256, err);
}

/* --- its boot --- */

static int begin(struct proof *p, struct mir_error *err)
{
    char key[MIR_ID_TEXT];
    struct mird_operation op;
    const struct mir_kernel *kernel = p->spec->kernel;
    struct mird_request request = {.provider = "local",
                                   .ttl_s = LIMIT_S + LEASE_SPARE_S,
                                   .memory_bytes = mir_proof_memory(kernel),
                                   .machine = mir_proof_machine(p->target, kernel),
                                   .ports_given = true,
                                   .anyway = true};
    mir_id_new(p->engine->core->random, key);
    mir_copy(request.name, sizeof request.name, p->name);
    mir_copy(request.kernel, sizeof request.kernel, p->disk.sha256);
    mir_copy(request.owner, sizeof request.owner, p->d->owner);
    if (request.machine.nic != MIR_CARD_NONE)
        request.ports[request.port_count++].guest_port = 80;
    if (mird_engine_deploy(p->engine, &request, key, "", &p->boot, &op, err))
        return mir_error_wrap(err, "proving the disk");
    mird_engine_follow(p->engine, p->boot.id);
    return 0;
}

static int look(struct proof *p, struct mir_proof_seen *seen, char **console, struct mir_error *err)
{
    struct mird_core *core = p->engine->core;
    mir_auto_free char *path = mird_engine_log_path(core, p->boot.id);
    size_t len = 0;
    if (mird_store_deployment_get(core->store, p->boot.id, &p->boot, err))
        return -1;
    free(*console);
    *console = NULL;
    if (mir_file_read(path, MIRD_LOG_MAX, console, &len, NULL))
        *console = mir_strdup(""); /* it has said nothing yet */
    seen->console = *console;
    seen->console_len = len;
    seen->answered = mird_deployment_state(&p->boot) == MIRD_LIVE;
    seen->ended = p->boot.end_reason != MIRD_END_NONE;
    seen->end_reason = p->boot.instance.end_reason;
    bool spoke = p->d->carrier ? mir_proof_spoke_inside(seen->console, seen->console_len)
                               : mir_proof_spoke(seen->console, seen->console_len);
    if (seen->spoke_ms < 0 && spoke)
        seen->spoke_ms = seen->now_ms;
    return 0;
}

static int watch(struct proof *p, struct mir_proof_seen *seen, enum mir_proof_verdict *ret,
                 struct mir_error *err)
{
    const int64_t began_ms = mird_engine_boot_ms(p->engine);
    mir_auto_free char *console = NULL;
    do {
        poll(NULL, 0, LOOK_MS);
        seen->now_ms = mird_engine_boot_ms(p->engine) - began_ms;
        if (mir_prov_wanted(p->spec, err) || look(p, seen, &console, err))
            return -1;
        *ret = mir_proof_judge(seen);
    } while (*ret == MIR_PROOF_WAIT);
    seen->console = NULL;
    return 0;
}

/* Its lease ends what does not end by then, and the next daemon what this one cannot wait for. */
static void end(struct proof *p)
{
    struct mird_core *core = p->engine->core;
    struct mird_operation op;
    const int64_t until_ms = mird_engine_boot_ms(p->engine) + TEARDOWN_MS;
    struct mir_error err = {0};
    if (mird_engine_remove(p->engine, p->boot.id, p->d->owner, &p->boot, &op, &err))
        mir_log(MIR_LOG_WARN, "engine", "%s: %s", p->boot.name, err.text);
    while (!p->boot.finished_s && !mird_engine_stopping(p->engine) &&
           mird_engine_boot_ms(p->engine) < until_ms &&
           !mird_store_deployment_get(core->store, p->boot.id, &p->boot, NULL))
        poll(NULL, 0, LOOK_MS);
}

static int not_proven(const struct proof *p, const struct mir_proof_seen *seen,
                      struct mir_error *err)
{
    const char *firmware = mir_firmware_name(p->needs->firmware);
    if (seen->ended)
        mir_fail(err, MIR_POLICY,
                 "not proven, nothing is uploaded: started here by %s it ended%s%s", firmware,
                 *p->boot.instance.end_reason ? ": " : "", p->boot.instance.end_reason);
    else
        mir_fail(err, MIR_POLICY,
                 "not proven, nothing is uploaded: started here by %s it said and answered nothing "
                 "within %d s",
                 firmware, LIMIT_S);
    return mir_error_hint(err, "its console: mirage-deploy logs %s", p->boot.name);
}

/* --- what is said of it --- */

static void note(struct mird_engine *engine, const struct mird_deployment *d, const char *text)
{
    struct mird_event event = {.at_ms = mird_engine_now_ms(engine), .kind = "note"};
    mir_copy(event.deployment, sizeof event.deployment, d->id);
    mir_copy(event.state, sizeof event.state, mird_state_name(mird_deployment_state(d)));
    mir_copy(event.text, sizeof event.text, text);
    mir_log(MIR_LOG_INFO, "engine", "%s: %s", d->name, text);
    if (!mird_store_event_add(engine->core->store, &event, NULL))
        mird_hub_changed(engine->core->hub, d->id);
}

static void proven(const struct proof *p, const struct mir_proof_seen *seen,
                   enum mir_proof_verdict verdict)
{
    int64_t after_ms = verdict == MIR_PROOF_SPOKE ? seen->spoke_ms : seen->now_ms;
    mir_auto_free char *text = mir_format(
        "proven: its disk %s after %lld.%lld s, started here by %s (as %s)",
        mir_proof_verdict_name(verdict), (long long)after_ms / 1000,
        (long long)after_ms % 1000 / 100, mir_firmware_name(p->needs->firmware), p->target->title);
    note(p->engine, p->d, text);
}

/* --- all of it --- */

static int boot(struct proof *p, struct mir_error *err)
{
    enum mir_proof_verdict verdict = MIR_PROOF_WAIT;
    struct mir_proof_seen seen = {
        .spoke_ms = -1,
        .may_answer = mir_proof_machine(p->target, p->spec->kernel).nic != MIR_CARD_NONE,
        .promises = (p->spec->kernel->takes_part & MIR_PART_WELL_KNOWN) != 0,
        .limit_ms = LIMIT_S * 1000};
    if (begin(p, err))
        return -1;
    int rc = watch(p, &seen, &verdict, err);
    end(p);
    if (rc || verdict == MIR_PROOF_FAILED)
        return rc ? rc : not_proven(p, &seen, err);
    proven(p, &seen, verdict);
    return 0;
}

static int prove(void *ctx, const struct mir_instance_spec *spec, const struct mir_needs *needs,
                 struct mir_error *err)
{
    struct mird_prover *prover = ctx;
    struct proof p = {.engine = prover->engine, .d = prover->d, .spec = spec, .needs = needs};
    prover->asked = true;
    p.target = mir_proof_target_for(prover->d->provider, needs);
    if (!p.target) {
        mir_fail(err, MIR_POLICY, "nothing like the machine that this disk is for runs here");
        return mir_error_hint(err, "deploy it without --prove");
    }
    char id[MIR_ID_TEXT];
    mir_id_new(p.engine->core->random, id);
    snprintf(p.name, sizeof p.name, "prove-%.8s", id);
    mird_proof_enter(p.engine);
    int rc = store_disk(&p, err) || boot(&p, err) ? -1 : 0;
    mird_proof_leave(p.engine);
    return rc;
}

void mird_prover_init(struct mird_prover *prover, struct mird_engine *engine,
                      const struct mird_deployment *d)
{
    *prover = (struct mird_prover){.engine = engine, .d = d};
    prover->prover = (struct mir_prover){.prove = prove, .ctx = prover};
}

void mird_prover_end(const struct mird_prover *prover)
{
    if (!prover->asked)
        note(prover->engine, prover->d, "not proven again: this disk is with the provider already");
}
