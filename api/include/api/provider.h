/* SPDX-License-Identifier: ISC */
/*
 * The provider interface: what one cloud (or this machine) can do for a deployment. One const
 * struct per provider folder; callers never use its functions directly but the mir_prov_*
 * wrappers, which check the contract, log one debug line, time the call and number the fault
 * points.
 *
 * Contract of every function:
 *   - synchronous, and back before its own stated limit: MIR_LOOK_LIMIT_MS for gets, deletes and
 *     listings, which a teardown waits for; a create MIR_CREATE_LIMIT_MS, and never later than the
 *     lease's deadline (mir_prov_create_limit_ms); 30 s for anything else unless said otherwise;
 *   - any thread, several at once for different deployments;
 *   - creates carry identity (token = lease id) and tags inside the creating request; creating
 *     again with the same token finds the first one;
 *   - deletes treat "already gone" as success; success means "asked for", and only get/list say
 *     what is really there;
 *   - an answer that was lost is reported with err.outcome = MIR_OUTCOME_UNKNOWN, and so is a
 *     refusal after something has been made on the way: DID_NOT_HAPPEN says that nothing is there;
 *   - the wrappers ask the fence before each call that creates, ends or changes something; a
 *     provider asks it once more before the step that cannot be taken back, when other steps that
 *     take time come before it.
 * Strings inside structs are fixed fields, so values can be kept and copied freely.
 */
#ifndef API_PROVIDER_H
#define API_PROVIDER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/block.h"
#include "api/buf.h"
#include "api/clock.h"
#include "api/config.h"
#include "api/error.h"
#include "api/fence.h"
#include "api/id.h"
#include "api/imager.h"
#include "api/kernel.h"
#include "api/lease.h"
#include "api/machine.h"
#include "api/place.h"
#include "api/preflight.h"

#define MIR_INSTANCE_ID 128
#define MIR_LOOK_LIMIT_MS 5000
#define MIR_CREATE_LIMIT_MS 30000
#define MIR_QUOTE_LIMIT_MS 2000  /* of asking what something costs */
#define MIR_QUOTE_FIRST_MS 10000 /* of finding out, once, what there is to be had */
#define MIR_NAME_TEXT 64         /* names: 1..63 of [a-z0-9-], beginning with a letter or digit */
#define MIR_PORTS_MAX 16
#define MIR_HOOKS_MAX 6
#define MIR_ARGS_MAX 4096 /* bytes of a kernel command line, terminator included */

/* What a listing may show: everything that a deployment leaves at a provider is one of these. */
enum mir_object_kind {
    MIR_OBJECT_INSTANCE = 0,
    MIR_OBJECT_IMAGE /* and whatever an upload leaves half-made: snapshots, parts in a bucket */
};

enum mir_instance_state {
    MIR_INSTANCE_ABSENT = 0, /* the provider knows nothing of it (now) */
    MIR_INSTANCE_STARTING,
    MIR_INSTANCE_RUNNING,
    MIR_INSTANCE_STOPPING,
    MIR_INSTANCE_ENDED /* it ran and is over; may still hold things until deleted */
};

struct mir_port {
    char address[46];   /* host address the port is published on; "" = 127.0.0.1 */
    uint16_t host_port; /* 0 in a request: the provider chooses a free one */
    uint16_t guest_port;
};

/* What identifies and protects every object of a deployment (tags on a cloud). */
struct mir_tags {
    char installation[MIR_ID_TEXT];
    char deployment[MIR_ID_TEXT]; /* = lease id */
    int64_t expires_s;
    char signature[MIR_SIGNATURE_TEXT]; /* HMAC-SHA256, hex, over the others with the installation
                                           key */
};

/* Whoever asked for what takes minutes may not want it any more: asked between the looks of a wait.
 * 0, or -1 with the reason: MIR_INTERRUPTED, or MIR_UNAVAILABLE when somebody else goes on with it.
 */
struct mir_wanted {
    int (*check)(void *ctx, struct mir_error *err);
    void *ctx;
};

#define MIR_OBJECTS_MAX 8
#define MIR_OBJECT_ID 72

/* One thing that exists because of an instance and beside it: a "volume", "schedule",
 * "directory", "process". Ids that are longer are cut, and have to be told apart all the same. */
struct mir_object {
    char kind[16];
    char id[MIR_OBJECT_ID];
};

struct mir_instance_spec {
    const struct mir_lease *lease; /* borrowed; must be durable */
    struct mir_tags tags;
    char name[MIR_NAME_TEXT];
    const struct mir_kernel *kernel; /* borrowed */
    const char *kernel_path;         /* borrowed; the stored kernel file */
    char image_id[MIR_INSTANCE_ID];  /* from image_put; "" where the provider needs none */
    uint64_t memory_bytes;
    unsigned port_count;
    struct mir_port ports[MIR_PORTS_MAX];
    struct mir_machine machine; /* as mir_machine_choose decides; else as the provider likes */
    struct mir_place place;     /* as the provider's own quote decided; else empty */
    /* enum mir_takes_part bits that hold for this deployment: arguments of the user's may overrule
     * what the kernel would do by itself. */
    uint32_t takes_part;
    /* The kernel command line, our own arguments included; with a carrier, what that is told. */
    char arguments[MIR_ARGS_MAX];
    enum mir_carrier carrier; /* the kernel is on a carrier's disk; NONE: started as it is */
    const char *carrier_base; /* borrowed; the folder of its base, where images are made */
    /* With a carrier: the kernel's block devices, whose files have their digests' names in that
     * folder, where images are made. Borrowed; NULL: none. */
    const struct mir_blocks *blocks;
    const char *block_folder;
    const struct mir_prover *prover; /* NULL: nothing to prove; for the imager, see there */
    const struct mir_wanted *wanted; /* NULL: wanted until the limit */
};

/* Also an image, where a function says so: then kind, id, state, tags and name are all there is. */
struct mir_instance {
    enum mir_object_kind kind;
    char id[MIR_INSTANCE_ID]; /* the provider's name for it; "" with ENDED: there are things of it,
                                 itself is not shown (any more, or yet) */
    char name[MIR_NAME_TEXT]; /* that it was created with; "" unknown */
    enum mir_instance_state state;
    struct mir_tags tags; /* as found on the object; deployment "" when it has none */
    unsigned port_count;
    struct mir_port ports[MIR_PORTS_MAX]; /* as really published */
    /* Public address, "" when none (yet). The deployment's URL is made from the first that is said,
     * so with place.keep_address only the one that stays is. */
    char address[46];
    char address6[46];       /* of IPv6, beside that one; "" none, or that one is it */
    int64_t started_ms;      /* UTC ms; 0 unknown */
    int64_t first_output_ms; /* UTC ms of the first console byte; 0 not yet or unknown */
    char end_reason[160];    /* for ENDED: "deadline", "asked to stop", "powered off", ... */
    /* What else there is of it, as this very call found it (not its address and ports, which stand
     * above). As long as anything is left, the state is not ABSENT but ENDED: a receipt says of all
     * of it that it was seen gone when the instance is. */
    unsigned object_count;
    struct mir_object objects[MIR_OBJECTS_MAX];
};

#define MIR_HOOKS_LEAST 2 /* armed, where it costs money */

enum mir_hook_state { MIR_HOOK_OFF = 0, MIR_HOOK_ARMED, MIR_HOOK_FAILED };

struct mir_hook {
    char name[24]; /* "keeper", "daemon", "guest", "cloud-schedule", "shutdown-behaviour" */
    enum mir_hook_state state; /* ARMED only after it has been read back */
    int64_t deadline_s;        /* as read back; of one that FAILED, when it may act all the same,
                                * 0: not known */
    bool gone;                 /* FAILED, and seen not to be there: it cannot act */
    char detail[160];
    unsigned again_after_s; /* worth arming and reading back again so much later; 0: not */
};

#define MIR_NOTE_MAX 4096
#define MIR_ACCOUNT_TEXT 72 /* an account's number, a project's id */
#define MIR_CALLER_TEXT 256
#define MIR_PLACES_TEXT 2048 /* names of places, a blank between them */
#define MIR_PLACE_NAME 112   /* one of them: "eu-central-1", "PROJECT-ID/REGION" */

/* Whose credentials are used. */
struct mir_caller {
    char account[MIR_ACCOUNT_TEXT]; /* that pays */
    char name[MIR_CALLER_TEXT];     /* as the cloud has it */
};

enum mir_check_level { MIR_CHECK_PASS, MIR_CHECK_WARN, MIR_CHECK_FAIL };

/* One line of `doctor`. */
struct mir_check {
    char name[48];
    enum mir_check_level level;
    char detail[240];
    char fix[240]; /* "" for PASS */
};

/* Given once to open. All borrowed, must outlive the handle. */
struct mir_provider_env {
    const struct mir_config *config;
    const char *state_dir;    /* absolute; the provider owns <state_dir>/<its name>/ */
    const char *installation; /* id of this installation */
    /* The 32 bytes that our tags are signed with: a provider that finds things by tags alone
     * ends none of a wrong signature. NULL: it cannot tell. */
    const unsigned char *tag_key;
    const struct mir_clock *clock;
    const struct mir_fence *fence;   /* NULL: nobody else acts for this installation */
    const struct mir_imager *imager; /* NULL: no image can be put, as in mirage-reap */
};

struct mir_provider;

/* An open provider: made by mir_prov_open, used only through the wrappers. */
struct mir_prov;

typedef int mir_instance_fn(void *ctx, const struct mir_instance *instance);

struct mir_config_key {
    const char *name; /* without the provider's section: "machine" for [local] machine = */
    const char *help;
};

struct mir_provider {
    const char *name;  /* "local": the section, the CLI word, the folder */
    const char *title; /* for people */
    bool paid;         /* fewer than two armed hooks on a paid provider: torn down again */
    unsigned poll_ms;  /* how often a running instance is looked at */
    unsigned
        lease_min_s;   /* the shortest lease that it can honour: launched, hooks read back, ended */
    unsigned settle_s; /* how long after a create attempt a listing may still miss it */
    const struct mir_config_key *config_keys; /* ends with a NULL name */
    const char *const *hook_names; /* those it can arm itself, ends with NULL; NULL: none */
    /* Of each of these, what it depends on that a quote does not ask for ("where the cloud has
     * Mistral"); NULL in it, or as a whole: on nothing. */
    const char *const *hooks_when;
    /* The guest's side of the network, for kernels that read such arguments
     * ("ip=10.0.2.15/24 gw=10.0.2.2"); NULL where DHCP says it. */
    const char *guest_args;
    /* Where ports are published on this host: the host's own address as the guest sees it
     * ("10.0.2.2"). NULL: ports are not published. */
    const char *guest_host;
    bool tells_guests; /* one that runs hears of another deadline, by a line on its console */
    bool machines;     /* firmware, disk bus and network card can be chosen (api/machine.h) */

    /* The devices that an instance of this kernel would have, static; NULL: nothing is held against
     * its manifest. Pure: the planner asks it before anything is paid for. */
    const struct mir_offer *(*offer)(const struct mir_kernel *kernel);

    /* Optional: decides what of a place was left open, and says what it costs by the hour. From
     * tables that are built in, the configuration, and what earlier answers have left; the same
     * again for what it has decided. For the price alone its cloud may be asked, for at most
     * MIR_QUOTE_LIMIT_MS and not each time; without an answer the tables count. Where no table can
     * say what types there are (flavors), the cloud is asked for them before the first quote, for
     * at most MIR_QUOTE_FIRST_MS, and that may fail. asked: its open
     * ports are filled in. memory_bytes: the least that the type has to have. A kernel that boots
     * on no type is quoted all the same, for a type of the family that comes nearest: the planner
     * says why it is refused, or tries it. MIR_USAGE for what there is not, MIR_POLICY for what
     * cannot be had together, with the fix. NULL: nothing can be chosen and nothing is paid for. */
    int (*quote)(void *ctx, const struct mir_kernel *kernel, const struct mir_place *asked,
                 uint64_t memory_bytes, struct mir_quote *ret, struct mir_error *err);

    int (*open)(const struct mir_provider_env *env, void **ret_ctx, struct mir_error *err);
    void (*close)(void *ctx);

    /* Optional: what its credentials have to be allowed under this configuration (NULL: none), and
     * nothing beyond, as the documents that its cloud takes. The same every time; before it is
     * opened; new reference. */
    json_t *(*policy)(const struct mir_config *config);

    /* doctor: append lines to checks (at most max), set *ret_count. Never fails as a whole. */
    void (*check)(void *ctx, struct mir_check *checks, size_t max, size_t *ret_count);

    /* Can this kernel run here, now (tender on PATH, accelerator)? 0, or MIR_POLICY with the
     * reason and the fix. Pure look; cheap. */
    int (*admit)(void *ctx, const struct mir_instance_spec *spec, struct mir_error *err);

    /* Optional (all three NULL where kernels are booted as they are). Token (lease id) and tags go
     * into the request that makes the first object of the upload; put again with the same token
     * goes on with what is there. */
    int (*image_put)(void *ctx, const struct mir_instance_spec *spec, char ret_id[MIR_INSTANCE_ID],
                     struct mir_error *err);
    /* Whatever of an upload under this token is there, half-made or whole: ABSENT or kind IMAGE. */
    int (*image_get)(void *ctx, const char *token, struct mir_instance *ret, struct mir_error *err);
    /* Everything under this token. image_id is "" when no answer ever named one. */
    int (*image_delete)(void *ctx, const char *token, const char *image_id, struct mir_error *err);

    int (*instance_create)(void *ctx, const struct mir_instance_spec *spec,
                           struct mir_instance *ret, struct mir_error *err);
    /* By token (lease id). Absent is an answer (state ABSENT), not an error. */
    int (*instance_get)(void *ctx, const char *token, struct mir_instance *ret,
                        struct mir_error *err);
    int (*instance_delete)(void *ctx, const char *token, struct mir_error *err);
    /* Console text from byte `offset` on, appended to out (bounded by its max); *ret_next is the
     * offset to go on from. Works until instance_delete, after the instance's end too. */
    int (*instance_console)(void *ctx, const char *token, uint64_t offset, struct mir_buf *out,
                            uint64_t *ret_next, struct mir_error *err);

    /* (Re)arm this provider's own hooks for the lease's deadline and read them back into hooks.
     * Also how an extension reaches them, and the tags on the object: with a signature in the
     * lease, the tags that get and sweep return say the lease's deadline and signature, durably,
     * before any hook counts as armed, and are written in one request: half of them would look like
     * somebody else's; whoever ends things by their tags alone (mirage-reap) must
     * not undo an extension. A hook that cannot be armed is a FAILED row, not an error; -1 means
     * that nothing could be asked, with an outcome of UNKNOWN once any of it may have been done.
     * One that cannot be moved is left where it was, unless lease->hooks_else and those of the
     * provider that are armed make MIR_HOOKS_LEAST without it: then the extension stands, and it is
     * taken away, since it would end the instance at the earlier deadline. */
    int (*hooks_arm)(void *ctx, const struct mir_lease *lease, struct mir_hook *hooks, size_t max,
                     size_t *ret_count, struct mir_error *err);

    /* Optional: has anybody said how to reach it? False: every call is refused for that, nothing is
     * listed, and that stays so until it is opened anew. NULL: it can always be asked. */
    bool (*configured)(void *ctx);

    /* Optional: the moment that the provider's newest answer was dated with (mir_http_date_ms), and
     * when by the boot-time clock it came; 0 while there was none. */
    int64_t (*date)(void *ctx, int64_t *ret_boot_ms);

    /* Optional, all four or none: how a mirage-reap on another machine, with other credentials for
     * the same account, lets the daemon know that it comes again. The note is one text (at most
     * MIR_NOTE_MAX bytes) of this installation, kept in the account; whoever reads it verifies it.
     * get: MIR_NOT_FOUND when there is none. covered: the places in which the last sweep has listed
     * everything ("" none was whole); an error when what it has seen may not be ended with these
     * credentials, which is asked for without doing it. */
    int (*caller)(void *ctx, struct mir_caller *ret, struct mir_error *err);
    int (*covered)(void *ctx, char ret_places[MIR_PLACES_TEXT], struct mir_error *err);
    int (*note_put)(void *ctx, const char *text, struct mir_error *err);
    int (*note_get)(void *ctx, struct mir_buf *out, struct mir_error *err);
    /* Optional: the name that `covered` has for that place, which is its region without this. May
     * ask for it once. */
    int (*place_name)(void *ctx, const struct mir_place *place, char ret_name[MIR_PLACE_NAME],
                      struct mir_error *err);

    /* Call fn for everything there is that carries tags of any installation, images included; fn
     * returning non-zero ends the listing. The truth about what really exists, never from a
     * cache. */
    int (*sweep)(void *ctx, mir_instance_fn *fn, void *fn_ctx, struct mir_error *err);
    /* Optional: the same of one place (as the provider's own quote decided it) alone. All that is
     * of a deployment there is in it, so that a place that does not answer keeps no deployment in
     * another from being told gone. NULL: there are no places. */
    int (*sweep_place)(void *ctx, const struct mir_place *place, mir_instance_fn *fn, void *fn_ctx,
                       struct mir_error *err);
};

/* --- the wrappers: the only way to call a provider --- */

/* Not opened yet: mir_prov_ready opens it, and so does every call below until one of them could.
 * So a provider that was not there at the start ends what is due as soon as it is. Owned. */
struct mir_prov *mir_prov_new(const struct mir_provider *provider,
                              const struct mir_provider_env *env);
int mir_prov_ready(struct mir_prov *prov, struct mir_error *err); /* any thread */
/* Both at once; *ret_prov owned. */
int mir_prov_open(const struct mir_provider *provider, const struct mir_provider_env *env,
                  struct mir_prov **ret_prov, struct mir_error *err);
void mir_prov_close(struct mir_prov *prov); /* NULL allowed */
const struct mir_provider *mir_prov_info(const struct mir_prov *prov);

void mir_prov_check(struct mir_prov *prov, struct mir_check *checks, size_t max, size_t *ret_count);
int mir_prov_admit(struct mir_prov *prov, const struct mir_instance_spec *spec,
                   struct mir_error *err);
/* Without a quote of the provider's own: an empty place for nothing, and MIR_USAGE with the fix for
 * whatever was asked for, a budget apart, which it keeps. No fault point: it changes nothing. */
int mir_prov_quote(struct mir_prov *prov, const struct mir_kernel *kernel,
                   const struct mir_place *asked, uint64_t memory_bytes, struct mir_quote *ret,
                   struct mir_error *err);
int mir_prov_image_put(struct mir_prov *prov, const struct mir_instance_spec *spec,
                       char ret_id[MIR_INSTANCE_ID], struct mir_error *err);
/* Absent where the provider keeps no images. */
int mir_prov_image_get(struct mir_prov *prov, const char *token, struct mir_instance *ret,
                       struct mir_error *err);
int mir_prov_image_delete(struct mir_prov *prov, const char *token, const char *image_id,
                          struct mir_error *err);

/* For providers: is it still wanted? */
int mir_prov_wanted(const struct mir_instance_spec *spec, struct mir_error *err);
/* For providers: how long a create may still take, at most limit_ms: nothing is waited for past the
 * deadline, because the teardown waits for the answer. At least 1. */
int mir_prov_create_limit_ms(const struct mir_lease *lease, const struct mir_clock *clock,
                             int limit_ms);
/* Refuses (MIR_INTERNAL) a spec without a durable lease, with an expired one, or whose tags do
 * not name the lease. */
int mir_prov_instance_create(struct mir_prov *prov, const struct mir_instance_spec *spec,
                             struct mir_instance *ret, struct mir_error *err);
int mir_prov_instance_get(struct mir_prov *prov, const char *token, struct mir_instance *ret,
                          struct mir_error *err);
int mir_prov_instance_delete(struct mir_prov *prov, const char *token, struct mir_error *err);
int mir_prov_instance_console(struct mir_prov *prov, const char *token, uint64_t offset,
                              struct mir_buf *out, uint64_t *ret_next, struct mir_error *err);
int mir_prov_hooks_arm(struct mir_prov *prov, const struct mir_lease *lease, struct mir_hook *hooks,
                       size_t max, size_t *ret_count, struct mir_error *err);
/* Of what a listing showed: the get and the delete of its kind, by the token in its tags. */
int mir_prov_object_get(struct mir_prov *prov, const struct mir_instance *object,
                        struct mir_instance *ret, struct mir_error *err);
int mir_prov_object_delete(struct mir_prov *prov, const struct mir_instance *object,
                           struct mir_error *err);
/* False: opened, and nobody has said how to reach it, so there is nothing to be asked. */
bool mir_prov_configured(struct mir_prov *prov);
/* What time the provider says that it is: UTC ms, when the answer came at boot_ms. False: it does
 * not say. */
bool mir_prov_date(const struct mir_prov *prov, int64_t *ret_utc_ms, int64_t *ret_boot_ms);
int mir_prov_sweep(struct mir_prov *prov, mir_instance_fn *fn, void *fn_ctx, struct mir_error *err);
/* Where the provider has no places: MIR_USAGE. */
int mir_prov_sweep_place(struct mir_prov *prov, const struct mir_place *place, mir_instance_fn *fn,
                         void *fn_ctx, struct mir_error *err);
/* Where the provider keeps no notes: MIR_USAGE. */
int mir_prov_caller(struct mir_prov *prov, struct mir_caller *ret, struct mir_error *err);
int mir_prov_covered(struct mir_prov *prov, char ret_places[MIR_PLACES_TEXT],
                     struct mir_error *err);
int mir_prov_note_put(struct mir_prov *prov, const char *text, struct mir_error *err);
int mir_prov_note_get(struct mir_prov *prov, struct mir_buf *out, struct mir_error *err);
int mir_prov_place_name(struct mir_prov *prov, const struct mir_place *place,
                        char ret_name[MIR_PLACE_NAME], struct mir_error *err);

/* Names for print and JSON; never NULL. */
const char *mir_object_kind_name(enum mir_object_kind kind); /* "instance", "image" */
const char *mir_instance_state_name(enum mir_instance_state state);
const char *mir_hook_state_name(enum mir_hook_state state);
const char *mir_check_level_name(enum mir_check_level level);

/* "127.0.0.1:8080->80", as a port is named in receipts. */
void mir_port_text(const struct mir_port *port, char out[MIR_OBJECT_ID]);

int mir_name_valid(const char *name); /* 1 when it is a deployment or site name */

/* Sign tags with the installation key (32 bytes), or check a signature in constant time. */
void mir_tags_sign(struct mir_tags *tags, const unsigned char key[32]);
int mir_tags_verify(const struct mir_tags *tags, const unsigned char key[32]);

#endif
