/* SPDX-License-Identifier: ISC */
/*
 * The open provider and the functions of its table, by the file that holds them. Contracts are
 * those of api/provider.h.
 *
 * A site is a project in one region of one cloud; one daemon may use several. What exists is found
 * by its marks (metadata, properties, descriptions), so whoever has the credentials and the
 * installation key finds it, daemon or mirage-reap. Where a lease's things are is written down
 * before the first of them is made; a token that nobody remembers is looked for at every site that
 * is known.
 */
#ifndef OS_STACK_H
#define OS_STACK_H

#include <pthread.h>

#include "api/imager.h"
#include "api/provider.h"
#include "openstack/cloud.h"
#include "openstack/compute.h"
#include "openstack/config.h"
#include "openstack/image.h"
#include "openstack/network.h"
#include "openstack/session.h"

#define STACK_SITES_MAX 32
#define STACK_LOOK_MS 4500  /* of the questions of one look; MIR_LOOK_LIMIT_MS is the contract's */
#define STACK_CALL_MS 25000 /* of one call that changes something */

struct stack_flavor {
    char id[OS_ID_TEXT], name[MIR_PLACE_TEXT];
    int64_t vcpus, ram_mib, disk_gib;
};

struct stack_site {
    char cloud[MIR_PLACE_TEXT];
    char region[MIR_PLACE_TEXT]; /* as asked for; "": the cloud's usual one */
    struct os_cloud described;   /* owned; the session borrows it */
    struct os_session *session;  /* owned */
    /* With the provider's lock: what it has said. */
    char project[OS_ID_TEXT];       /* "" not known yet */
    char region_is[MIR_PLACE_TEXT]; /* "" not known yet */
    struct stack_flavor *flavors;   /* owned; those that can be had and named */
    size_t flavor_count;
    int64_t flavors_boot_ms; /* when they were asked for; 0: never */
    int64_t read_boot_ms;    /* when it was looked at whether it is described otherwise; 0: never */
    struct stack_site *next; /* of those that were replaced */
};

/* What is known of the triggers that end a token's server. */
enum stack_trigger {
    STACK_TRIGGER_UNKNOWN,
    STACK_TRIGGER_MADE,  /* by us, or it was tried: nothing is over before they are seen gone */
    STACK_TRIGGER_STAYS, /* we may not take them away any more */
};

struct stack_seen {
    char token[MIR_ID_TEXT];
    char cloud[MIR_PLACE_TEXT], region[MIR_PLACE_TEXT];
    enum stack_trigger trigger;
    char server[OS_ID_TEXT]; /* that we made: a listing may miss it at first; "" none is known */
};

/* What was last seen of a console, and where in all of it that begins. */
#define STACK_CONSOLES 32
struct stack_kept {
    char token[MIR_ID_TEXT];
    char *text; /* owned; NULL: nothing */
    uint64_t base;
    int64_t used_ms;
};

/* The hooks that it can arm itself, in the order of its table. */
enum stack_hook { STACK_HOOK_SCHEDULE, STACK_HOOK_LEASE };

enum stack_boot { STACK_BOOT_AUTO, STACK_BOOT_KERNEL, STACK_BOOT_DISK };

/* Of the last listing of all sites. */
struct stack_swept {
    char places[MIR_PLACES_TEXT]; /* "" none was whole */
    char server[OS_ID_TEXT];      /* one of ours that runs; "" there is none */
    struct stack_site *site;      /* where that is */
};

struct stack {
    const struct mir_clock *clock;
    const struct mir_fence *fence;   /* NULL: none */
    const struct mir_imager *imager; /* NULL: no image can be put */
    char installation[MIR_ID_TEXT];
    const unsigned char *tag_key; /* NULL: signatures cannot be told */
    char *folder;                 /* owned: where it is written down where things are */
    /* From [openstack] of the configuration; "" not said. */
    char cloud[MIR_PLACE_TEXT], region[MIR_PLACE_TEXT];
    char network[128], floating_network[128]; /* by name or id; "none" for no floating address */
    char flavor[MIR_PLACE_TEXT], keypair[128], zone[64];
    char image_format[8]; /* "raw" "qcow2" */
    char clouds[256];     /* others in which is looked, too */
    const char *prices;   /* borrowed; NULL: none */
    enum stack_boot boot;
    bool config_drive;
    bool leased;          /* servers stand in leases of Blazar */
    bool configured;      /* somebody has described a cloud at all */
    struct mir_error why; /* there is no usual cloud: the reason */

    pthread_mutex_t lock;                      /* of all below */
    struct stack_site *sites[STACK_SITES_MAX]; /* owned */
    size_t site_count;
    struct stack_site *replaced; /* owned: by others of the same place */
    struct stack_seen *seen;     /* owned */
    size_t seen_count;
    int64_t whole_boot_ms; /* when all sites were last listed; 0: never */
    struct stack_swept swept;
    struct stack_kept consoles[STACK_CONSOLES];
};

/* provider.c: MIR_CREDENTIALS with the fix when nothing is configured. */
int stack_ready(const struct stack *stack, struct mir_error *err);

/* --- describe.c --- */

/* Has anybody described a cloud, in the environment or in files? */
int stack_described(bool *ret_any, struct mir_error *err);
/* That cloud and region ("": the usual ones). *ret is cleared by os_cloud_clear. */
int stack_describe(const char *name, const char *region, struct os_cloud *ret,
                   struct mir_error *err);
/* Who said what of it, also when it is not enough; their number. */
size_t stack_describe_rows(const char *name, const char *region,
                           struct os_config_row ret[OS_CONFIG_ROWS_MAX]);

/* --- said.c: what was answered, and what comes of it --- */

void stack_pause_ms(int64_t ms);
/* "Gone already" is what a delete wanted: 0; else -1 with what was said. */
int stack_gone(int rc, const struct mir_error *said, struct mir_error *err);
/* -1, and err (NULL allowed) is what was said. */
int stack_said(const struct mir_error *said, struct mir_error *err);
/* One thing that cannot be ended keeps no other: the first refusal is told at the end. */
void stack_keep_first(int rc, const struct mir_error *said, struct mir_error *first);

/* --- sites.c --- */

void stack_sites_free(struct stack *stack); /* no call may run */
/* Cloud and region ("": the usual ones), kept until the provider is closed. Asks nobody. Where
 * Keystone does not know us, what was written down since counts. */
int stack_site(struct stack *stack, const char *cloud, const char *region, struct stack_site **ret,
               struct mir_error *err);
/* The project's id, and the name of the region that calls go to. Ask once. */
int stack_project(struct stack *stack, struct stack_site *site, int64_t until_ms,
                  char ret[OS_ID_TEXT], struct mir_error *err);
int stack_region(struct stack *stack, struct stack_site *site, int64_t until_ms,
                 char ret[MIR_PLACE_TEXT], struct mir_error *err);
/* Looks or acts at one site; *ret is ABSENT where there is nothing of the token. */
typedef int stack_site_fn(struct stack *stack, struct stack_site *site, const char *token,
                          int64_t until_ms, struct mir_instance *ret, struct mir_error *err);
/* At the site where the token was seen last, or, when nobody remembers, at all of them until there
 * is something; that one is remembered. At most STACK_LOOK_MS. */
int stack_somewhere(struct stack *stack, const char *token, stack_site_fn *fn,
                    struct mir_instance *ret, struct mir_error *err);
/* The site of a token: where it was seen last, or is; the usual one where it is nowhere. */
int stack_site_of(struct stack *stack, const char *token, struct stack_site **ret,
                  struct mir_error *err);
/* Those that are known: the usual one first, those of [openstack] clouds, and those in which
 * something of ours is. One of them that cannot be opened is the error, and the others come all
 * the same. */
size_t stack_known_sites(struct stack *stack, struct stack_site *ret[STACK_SITES_MAX],
                         struct mir_error *ret_first);
/* One more in such a list, unless it is in it; the new number of them. */
size_t stack_add_site(struct stack *stack, struct stack_site *list[STACK_SITES_MAX], size_t count,
                      const char *cloud, const char *region, struct mir_error *first);
/* "PROJECT/REGION": what a place is called whoever's clouds.yaml it is in. */
int stack_site_name(struct stack *stack, struct stack_site *site, int64_t until_ms,
                    char ret[MIR_PLACE_NAME], struct mir_error *err);
int stack_place_name(void *ctx, const struct mir_place *place, char ret_name[MIR_PLACE_NAME],
                     struct mir_error *err);

/* --- credential.c --- */

/* Whoever asks has an end of its own, which a deadline must not come after: nobody could end the
 * thing then. MIR_CREDENTIALS. Where it is not said when that is, 0. */
int stack_outlives(struct stack_site *site, int64_t deadline_s, int64_t until_ms,
                   struct mir_error *err);
/* UTC seconds; 0: none, or it is not said. */
int64_t stack_credential_end(struct stack_site *site, int64_t until_ms);

/* --- places.c: where a token's things are --- */

void stack_places_load(struct stack *stack);
void stack_remember(struct stack *stack, const char *token, const struct stack_site *site);
/* Durable: before the first thing of a token is made. */
int stack_intend(struct stack *stack, const char *token, const struct stack_site *site,
                 struct mir_error *err);
/* Durable, too: before a trigger of a token is made. */
int stack_intend_trigger(struct stack *stack, const char *token, const struct stack_site *site,
                         struct mir_error *err);
void stack_remember_trigger(struct stack *stack, const char *token, enum stack_trigger trigger);
/* "": it is not there any more. Written down as well, so that it is known to be ours. */
void stack_remember_server(struct stack *stack, const char *token, const char *server);
/* False: nobody remembers. */
bool stack_recall(struct stack *stack, const char *token, struct stack_seen *ret);
/* Written down for so long that nothing under way is mistaken for what is over. */
bool stack_is_old(const struct stack *stack, const char *token);
/* Nothing of it is anywhere any more. */
void stack_forget(struct stack *stack, const char *token);

/* --- marks.c: what tells that a thing is ours --- */

#define MARK_INSTALLATION "mirage-deploy:installation"
#define MARK_DEPLOYMENT "mirage-deploy:deployment"
#define MARK_EXPIRES "mirage-deploy:expires"
#define MARK_SIGNATURE "mirage-deploy:signature"
#define MARK_NAME "mirage-deploy:name"
#define MARK_DISK "mirage-deploy:disk"       /* of an image: what it is made of */
#define MARK_ADDRESS "mirage-deploy:address" /* of a server: what it is reached at */
#define MARK_THINGS "mirage-deploy:things"   /* of a server: what else was made for it */
#define MARK_LEASE "mirage-deploy:lease"     /* of a server: the flavor that its lease has */
#define STACK_TAG "mirage-deploy"            /* of every image of ours */
#define STACK_MARKS_MAX 24
#define STACK_NAME_TEXT 128

struct stack_marks {
    struct os_pair rows[STACK_MARKS_MAX];
    size_t count;
    char expires[MIR_TIME_SIZE];
};

/* The four that identify and protect, and the name; texts are borrowed from tags and name. */
void stack_marks_fill(struct stack_marks *ret, const struct mir_tags *tags, const char *name);
void stack_marks_add(struct stack_marks *marks, const char *name, const char *value);
/* As found; deployment "" when they are not ours or one is missing or unreadable. */
void stack_marks_read(const struct os_found_pair *pairs, size_t count, struct mir_tags *ret);
/* Where there is a description alone: the same four in one text. */
#define STACK_TEXT 200
void stack_text_make(const struct mir_tags *tags, char out[STACK_TEXT]);
void stack_text_read(const char *text, struct mir_tags *ret);
/* "mirage-TOKEN": the name of ports and groups. */
void stack_thing_name(const char *token, char out[STACK_NAME_TEXT]);
/* Of a lease of Blazar, which has a name of at most 80 bytes and nothing else: whose it is and
 * which token's, signed by us, "mirage-TOKEN-MAC". Without an installation key there is no MAC. */
#define STACK_LEASE_NAME 81
void stack_lease_name(const struct stack *stack, const char *token, char out[STACK_LEASE_NAME]);
/* The token in such a name, if it is one of ours; "" when not, and always without a key. */
void stack_lease_token(const struct stack *stack, const char *name, char ret[MIR_ID_TEXT]);
/* Of this installation and, unless it is NULL, of this token, and signed by us? Whoever may make a
 * thing in the project may write the rest of it. */
bool stack_is_of(const struct stack *stack, const struct mir_tags *tags, const char *token);

/* --- things.c: what else there is of a token --- */

struct stack_things {
    struct os_floating_ips addresses;
    struct os_ports ports;
    struct os_groups groups;
};

/* Three questions, side by side; token NULL: all of the project's. Clear it afterwards, whatever
 * comes back. */
int stack_things_find(struct stack *stack, struct stack_site *site, const char *token,
                      int64_t until_ms, struct stack_things *ret, struct mir_error *err);
void stack_things_clear(struct stack_things *things);
#define auto_things MIR_CLEANUP(stack_things_clear)
/* Each that carries marks, in the order in which they are to go. */
typedef void stack_thing_fn(void *ctx, const char *kind, const char *id,
                            const struct mir_tags *tags);
void stack_things_each(const struct stack_things *things, stack_thing_fn *fn, void *ctx);
#define THING_ADDRESS "floating-ip"
#define THING_PORT "port"
#define THING_GROUP "security-group"
#define THING_TRIGGER "cron-trigger" /* carries no marks, but the token in its name: schedule.h */
#define THING_LEASE "lease"
/* As objects of an instance; what does not fit is left out, the count never. */
void stack_add_object(struct mir_instance *instance, const char *kind, const char *id);

/* --- servers.c --- */

/* All that carry the token, at this site. *ret_row is the one that counts: one that is not over
 * before one that is; NULL: there is none. MIR_UNAVAILABLE: a part of the cloud cannot be seen. */
int stack_find_server(struct stack *stack, struct stack_site *site, const char *token,
                      int64_t until_ms, struct os_servers *ret, const struct os_server **ret_row,
                      struct mir_error *err);
/* Of that token by its marks, or because it is the one that was made for it: what somebody has
 * changed on it later does not keep it. */
bool stack_server_is_of(struct stack *stack, const struct os_server *row, const char *token);
/* Nothing is known of it but that it is there: it may be ours. */
bool stack_blind(const struct os_server *row);
bool stack_over(const struct os_server *row); /* deleted, and shown for a while */
void stack_server_read(const struct os_server *row, struct mir_instance *ret);
/* What MARK_THINGS names: "port ID,security-group ID". */
void stack_things_read(const char *text, struct mir_instance *ret);

/* --- flavors.c --- */

/* The flavor of that name; asks where none are known yet, or that one is not. */
int stack_flavor_named(struct stack *stack, struct stack_site *site, const char *name,
                       int64_t until_ms, struct stack_flavor *ret, struct mir_error *err);
/* The smallest that has so much memory and a disk of so much. */
int stack_flavor_for(struct stack *stack, struct stack_site *site, uint64_t memory_bytes,
                     uint64_t disk_bytes, int64_t until_ms, struct stack_flavor *ret,
                     struct mir_error *err);
/* What [openstack] prices says of it, in micro US dollars by the hour; false: nothing. */
bool stack_price_of(const char *prices, const char *flavor, int64_t *ret_micro);

/* --- networks.c: where a server stands, and by which address it is reached --- */

#define STACK_SUBNETS_MAX 4

struct stack_network {
    char id[OS_ID_TEXT], name[64];
    bool guarded;                                    /* a security group can be put on it */
    char floating_id[OS_ID_TEXT], floating_name[64]; /* "" the address is its own */
    bool allocate;                                /* there is none yet: the cloud is to make one */
    char subnets6[STACK_SUBNETS_MAX][OS_ID_TEXT]; /* with --ipv6-only: those that have it */
    size_t subnet6_count;
};

/* Asks; makes nothing. MIR_USAGE: several, and none is named; they are listed. MIR_POLICY: no IPv6
 * where nothing else is wanted. */
int stack_network_choose(struct stack *stack, struct stack_site *site,
                         const struct mir_place *place, int64_t until_ms, struct stack_network *ret,
                         struct mir_error *err);

/* --- the way of a kernel --- */

/* admit.c: what this kernel has to be given to start there. MIR_POLICY when nothing helps. */
int stack_needs(const struct stack *stack, const struct mir_kernel *kernel, struct mir_needs *ret,
                struct mir_error *err);
/* Does a boot loader on a disk start it there? row may be NULL. */
bool stack_has_disk(const struct mir_family *row);
const char *stack_family(const struct mir_kernel *kernel);
/* room.c: MIR_POLICY where a quota of the project is used up, with its name and the fix */
int stack_room(struct stack *stack, struct stack_site *site, const struct mir_place *place,
               const struct stack_network *network, int64_t until_ms, struct mir_error *err);
int stack_admit(void *ctx, const struct mir_instance_spec *spec, struct mir_error *err);
/* quote.c */
int stack_quote(void *ctx, const struct mir_kernel *kernel, const struct mir_place *asked,
                uint64_t memory_bytes, struct mir_quote *ret, struct mir_error *err);
/* put.c: the upload, with put.h */
int stack_image_put(void *ctx, const struct mir_instance_spec *spec, char ret_id[MIR_INSTANCE_ID],
                    struct mir_error *err);
/* image.c */
int stack_images_find(struct stack *stack, struct stack_site *site, int64_t until_ms,
                      struct os_images *ret, struct mir_error *err);
int stack_image_get(void *ctx, const char *token, struct mir_instance *ret, struct mir_error *err);
int stack_image_delete(void *ctx, const char *token, const char *image_id, struct mir_error *err);
/* prepare.c: group, port and floating address of a launch, found or made */
struct stack_prepared {
    char group[OS_ID_TEXT], port[OS_ID_TEXT], floating[OS_ID_TEXT];
    char address[48]; /* the floating one; "" none */
};
/* *ret_began: something may have been made, also when it fails. */
int stack_prepare(struct stack *stack, struct stack_site *site,
                  const struct mir_instance_spec *spec, int64_t until_ms,
                  struct stack_prepared *ret, bool *ret_began, struct mir_error *err);
/* launch.c */
int stack_instance_create(void *ctx, const struct mir_instance_spec *spec, struct mir_instance *ret,
                          struct mir_error *err);
/* look.c */
int stack_instance_get(void *ctx, const char *token, struct mir_instance *ret,
                       struct mir_error *err);
/* remove.c */
int stack_instance_delete(void *ctx, const char *token, struct mir_error *err);
/* console.c */
void stack_consoles_free(struct stack *stack);
int stack_instance_console(void *ctx, const char *token, uint64_t offset, struct mir_buf *out,
                           uint64_t *ret_next, struct mir_error *err);
/* hooks.c */
int stack_hooks_arm(void *ctx, const struct mir_lease *lease, struct mir_hook *hooks, size_t max,
                    size_t *ret_count, struct mir_error *err);
/* sweep.c */
int stack_sweep(void *ctx, mir_instance_fn *fn, void *fn_ctx, struct mir_error *err);
int stack_sweep_place(void *ctx, const struct mir_place *place, mir_instance_fn *fn, void *fn_ctx,
                      struct mir_error *err);
/* note.c */
int stack_caller(void *ctx, struct mir_caller *ret, struct mir_error *err);
int stack_covered(void *ctx, char ret_places[MIR_PLACES_TEXT], struct mir_error *err);
int stack_note_put(void *ctx, const char *text, struct mir_error *err);
int stack_note_get(void *ctx, struct mir_buf *out, struct mir_error *err);
/* check.c */
void stack_check(void *ctx, struct mir_check *checks, size_t max, size_t *ret_count);

#endif
