/* SPDX-License-Identifier: ISC */
/*
 * The open provider and the functions of its table, by the file that holds them. Contracts are
 * those of api/provider.h.
 *
 * Nothing about a deployment is kept here: what exists is found by its tags, so whoever has the
 * credentials and the installation key finds it, daemon or mirage-reap. What is remembered (in
 * which region a token was last seen) only saves questions; a token that nobody remembers is looked
 * for in every region that the account has.
 */
#ifndef EC2_CLOUD_H
#define EC2_CLOUD_H

#include <pthread.h>

#include "api/imager.h"
#include "api/provider.h"
#include "ec2/chain.h"
#include "ec2/compute.h"
#include "ec2/config.h"
#include "ec2/s3.h"
#include "ec2/session.h"
#include "known.h"
#include "machines.h"
#include "prices.h"
#include "way.h"

#define CLOUD_REGIONS_MAX 64
#define CLOUD_LOOK_MS 4500  /* of the questions of one look; MIR_LOOK_LIMIT_MS is the contract's */
#define CLOUD_CALL_MS 25000 /* of one call that changes something */

struct cloud_site {
    char region[MIR_PLACE_TEXT];
    struct ec2_session *session; /* owned */
};

struct cloud_seen {
    char token[MIR_ID_TEXT];
    char region[MIR_PLACE_TEXT];
};

/* Of the last listing of all regions. */
struct cloud_swept {
    char regions[MIR_PLACES_TEXT]; /* "" none was whole */
    char instance[EC2_ID_TEXT];    /* one of ours that runs; "" there is none */
    char region[MIR_PLACE_TEXT];   /* where that is */
};

struct cloud {
    const struct mir_clock *clock;
    const struct mir_fence *fence;   /* NULL: none */
    const struct mir_imager *imager; /* NULL: no image can be put */
    const unsigned char *tag_key;    /* NULL: signatures cannot be told */
    char installation[MIR_ID_TEXT];
    /* From [ec2] of the configuration; "" not said. */
    char profile[64], role[256], subnet[EC2_ID_TEXT], type[MIR_PLACE_TEXT];
    char home[MIR_PLACE_TEXT]; /* the region of a deployment that names none */
    char bucket[64];      /* in the home region: what is uploaded through it is looked for there */
    char import_role[65]; /* by which ImportSnapshot reads it; "" that of AWS's own choice */
    enum cloud_way way;   /* of images: through it, or by EBS direct */
    /* PEM files, "" not said: the user's certificate and its key, and EC2's. */
    char bundle_cert[256], bundle_key[256], bundle_ec2_cert[256];
    bool configured;           /* somebody has said something about AWS at all */
    bool preview;              /* ... and that Amazon itself may be deployed to */
    struct ec2_config *config; /* owned, both; NULL while nothing is configured */
    struct ec2_chain *chain;

    struct cloud_prices prices; /* this and the next with a lock of their own */
    struct cloud_known known;
    pthread_mutex_t lock; /* of all below */
    struct cloud_site sites[CLOUD_REGIONS_MAX];
    size_t site_count;
    struct cloud_seen *seen; /* owned */
    size_t seen_count;
    int64_t whole_boot_ms; /* when all regions were last listed; 0: never */
    struct cloud_swept swept;
};

/* provider.c: MIR_CREDENTIALS with the fix when nothing is configured. */
int cloud_ready(const struct cloud *cloud, struct mir_error *err);
/* Somebody has said how to reach AWS, and that it may be deployed to. */
bool cloud_may_deploy(const struct cloud *cloud);

/* --- again.c --- */

void cloud_pause_ms(int64_t ms);
/* After a call that names what was made a moment ago was refused because that is not known: true,
 * after a pause, when it can be made again in time. */
bool cloud_again(const struct ec2_session *session, int64_t until_ms, const struct mir_error *said);

/* "Gone already" is what a delete wanted: 0; else -1 with what was said. */
int cloud_gone(int rc, const struct mir_error *said, struct mir_error *err);
/* -1, and err (NULL allowed) is what was said. */
int cloud_said(const struct mir_error *said, struct mir_error *err);
/* One thing that cannot be ended keeps no other: the first refusal is told at the end. */
void cloud_keep_first(int rc, const struct mir_error *said, struct mir_error *first);

/* --- regions.c --- */

/* The session of a region ("": home), kept until the provider is closed. */
int cloud_session(struct cloud *cloud, const char *region, struct ec2_session **ret,
                  struct mir_error *err);
/* Where a token's things are. Before something is created there, the creator says so. */
void cloud_remember(struct cloud *cloud, const char *token, const char *region);
/* *ret_region is "" when nobody remembers. */
void cloud_recall(struct cloud *cloud, const char *token, char ret_region[MIR_PLACE_TEXT]);
/* Looks or acts in one region; *ret is ABSENT where there is nothing of the token. */
typedef int cloud_region_fn(struct cloud *cloud, struct ec2_session *session, const char *token,
                            int64_t until_ms, struct mir_instance *ret, struct mir_error *err);
/* In the region where the token was seen last, or, when nobody remembers, in all of them until
 * there is something; that region is remembered. At most CLOUD_LOOK_MS. */
int cloud_somewhere(struct cloud *cloud, const char *token, cloud_region_fn *fn,
                    struct mir_instance *ret, struct mir_error *err);
/* Every region of the account. Asks. */
int cloud_all_regions(struct cloud *cloud, int64_t until_ms, struct ec2_regions *ret,
                      struct mir_error *err);
/* The regions in which something of ours was seen, home first; their number. */
size_t cloud_known_regions(struct cloud *cloud, char ret[CLOUD_REGIONS_MAX][MIR_PLACE_TEXT]);

/* --- tags.c --- */

#define TAG_PREFIX "mirage-deploy:"
#define TAG_INSTALLATION "mirage-deploy:installation"
#define TAG_DEPLOYMENT "mirage-deploy:deployment"
#define TAG_EXPIRES "mirage-deploy:expires"
#define TAG_SIGNATURE "mirage-deploy:signature"
#define TAG_NAME "Name"
#define TAG_DISK "mirage-deploy:disk"       /* of an image: what its disk is made of */
#define TAG_GUEST "mirage-deploy:guest"     /* "deadline": the guest powers itself off at it */
#define TAG_ADDRESS "mirage-deploy:address" /* "kept": an elastic one, and nothing else, is its */
#define TAG_SUBNET "mirage-deploy:subnet"   /* of a group: where a launch was tried last */
#define CLOUD_TAGS_MAX 8

struct cloud_tags {
    struct ec2_tag rows[CLOUD_TAGS_MAX];
    size_t count;
    char expires[MIR_TIME_SIZE];
};

/* The four that identify and protect, and the name; texts are borrowed from tags and name. */
void cloud_tags_fill(struct cloud_tags *ret, const struct mir_tags *tags, const char *name);
void cloud_tags_add(struct cloud_tags *tags, const char *key, const char *value);
/* The same set for each of the kinds named. */
void cloud_tag_sets(const struct cloud_tags *tags, const char *const *kinds, size_t count,
                    struct ec2_tag_set *ret);
/* Given to what was made a moment ago, which EC2 may not know yet. */
int cloud_tag(struct ec2_session *session, const char *id, const struct ec2_tag *tags, size_t count,
              int64_t until_ms, struct mir_error *err);
/* As found; deployment "" when they are not ours or one is missing or unreadable. */
void cloud_tags_read(const struct ec2_found_tag *found, size_t count, struct mir_tags *ret);
/* Tags that can be read, and that we have signed: who has copied a token and has no key is not
 * meant. */
bool cloud_is_signed(const struct cloud *cloud, const struct mir_tags *tags);
bool cloud_has_signed(const struct cloud *cloud, const struct ec2_found_tag *found, size_t count);
/* The filters "whatever carries this token, of this installation", and the one for whatever is of
 * any installation. Point into themselves: not to be copied. */
struct cloud_filter {
    struct ec2_filter rows[2];
    size_t count;
    const char *values[2];
};
void cloud_by_token(struct cloud_filter *ret, const struct cloud *cloud, const char *token);
void cloud_by_us(struct cloud_filter *ret);

/* --- things.c: what else there is of a token --- */

struct cloud_things {
    struct ec2_volumes volumes;
    struct ec2_nics nics;
    struct ec2_groups groups;
    struct ec2_addresses addresses;
};

/* Four questions. Clear it afterwards, whatever comes back. */
int cloud_things_find(struct ec2_session *session, const struct cloud_filter *filter,
                      int64_t until_ms, struct cloud_things *ret, struct mir_error *err);
void cloud_things_clear(struct cloud_things *things);
#define auto_things MIR_CLEANUP(cloud_things_clear)
/* As objects of an instance; what does not fit is left out, the count never. Things that we have
 * not signed are left out, too. */
void cloud_add_object(struct mir_instance *instance, const char *kind, const char *id);
void cloud_things_add(const struct cloud *cloud, const struct cloud_things *things,
                      struct mir_instance *instance);

/* --- bucket.c: objects, by their keys --- */

/* Parts that are on their way have neither tags nor metadata, so a key says whose its object is,
 * until when, and by whose word: all of a deployment stands below one prefix. */
#define CLOUD_KEY_ROOT "mirage-deploy/"
#define CLOUD_KEY_TEXT 256

/* Is the bucket in this region, and is there one at all? */
bool cloud_bucket_here(const struct cloud *cloud, const struct ec2_session *session);
/* What is behind the disk's name: "DISK.vmdk", or a bundle's "DISK.part.0" and "DISK.manifest.xml".
 */
#define CLOUD_VMDK ".vmdk"
#define CLOUD_PART ".part."
#define CLOUD_MANIFEST ".manifest.xml"
void cloud_key_make(const struct mir_tags *tags, const char *file, char out[CLOUD_KEY_TEXT]);
bool cloud_key_ends(const char *key, const char *ending);
/* Deployment "" when it is none of these; ret_disk may be NULL. */
void cloud_key_read(const char *key, struct mir_tags *ret, char ret_disk[MIR_SHA256_TEXT]);
/* What a key begins with that has this token; token NULL: any of ours. */
void cloud_key_prefix(const struct cloud *cloud, const char *token, char out[CLOUD_KEY_TEXT]);

/* --- imports.c: what an upload through the bucket leaves on its way, and a bundle's files --- */

struct cloud_imports {
    struct ec2_s3_list objects;
    struct ec2_s3_uploads uploads; /* begun, and not completed */
    struct ec2_import_tasks tasks; /* in any state */
    struct ec2_snapshots
        snapshots; /* that they have made, and that have not been given our tags yet */
};

/* Of a token; NULL: all that is there with tags of any installation. Nothing where the bucket is
 * not. Clear it afterwards, whatever comes back. */
int cloud_imports_find(const struct cloud *cloud, struct ec2_session *session, const char *token,
                       int64_t until_ms, struct cloud_imports *ret, struct mir_error *err);
void cloud_imports_clear(struct cloud_imports *imports);
#define auto_imports MIR_CLEANUP(cloud_imports_clear)

/* Kinds of objects that are none of EC2's, and can be given no tags. */
#define CLOUD_OBJECT "object"
#define CLOUD_UPLOAD "upload"

/* Each of them that is there and costs, as an object of an instance. */
typedef void cloud_thing_fn(void *ctx, const char *kind, const char *id,
                            const struct mir_tags *tags);
void cloud_imports_each(const struct cloud_imports *imports, cloud_thing_fn *fn, void *ctx);

/* Objects, and parts of them: what is not needed any more once the snapshot is there. */
int cloud_imports_empty(const struct cloud *cloud, struct ec2_session *session,
                        const struct cloud_imports *imports, int64_t until_ms,
                        struct mir_error *err);
/* All of it. What is just ending is a matter of time. */
int cloud_imports_end(const struct cloud *cloud, struct ec2_session *session,
                      const struct cloud_imports *imports, int64_t until_ms, struct mir_error *err);

/* --- the provider's functions --- */

/* admit.c */
int cloud_admit(void *ctx, const struct mir_instance_spec *spec, struct mir_error *err);
/* The type of machine that was decided, and what this kernel has to be given to start on it;
 * MIR_POLICY when nothing helps. */
int cloud_needs(const struct mir_instance_spec *spec, struct ec2_machine *ret_machine,
                struct mir_needs *ret_needs, struct mir_error *err);
/* quote.c */
int cloud_quote(void *ctx, const struct mir_kernel *kernel, const struct mir_place *asked,
                uint64_t memory_bytes, struct mir_quote *ret, struct mir_error *err);
/* What it costs by the hour: with AWS's price of the machine, or by the table. Pure. */
void cloud_price(const struct mir_kernel *kernel, const struct ec2_machine *machine,
                 const struct mir_place *place, enum cloud_way way, const struct cloud_hour *hour,
                 struct mir_price *ret);
/* put.c: the upload, with put.h */
int cloud_image_put(void *ctx, const struct mir_instance_spec *spec, char ret_id[MIR_INSTANCE_ID],
                    struct mir_error *err);
/* image.c */
int cloud_image_look(struct cloud *cloud, struct ec2_session *session, const char *token,
                     int64_t until_ms, struct mir_instance *ret, struct mir_error *err);
int cloud_image_get(void *ctx, const char *token, struct mir_instance *ret, struct mir_error *err);
int cloud_image_delete(void *ctx, const char *token, const char *image_id, struct mir_error *err);
/* launch.c */
int cloud_instance_create(void *ctx, const struct mir_instance_spec *spec, struct mir_instance *ret,
                          struct mir_error *err);
/* network.c: for a launch */
struct cloud_network {
    char vpc_id[EC2_ID_TEXT], group_id[EC2_ID_TEXT];
    struct ec2_subnets subnets; /* those that a launch may try, in their order; owned */
    size_t first;               /* where the launch before this one has come to */
};
/* *ret_began: something may have been made, also when it fails. */
int cloud_network_make(struct cloud *cloud, struct ec2_session *session,
                       const struct mir_instance_spec *spec, int64_t until_ms,
                       struct cloud_network *ret, bool *ret_began, struct mir_error *err);
void cloud_network_clear(struct cloud_network *network);
/* Durable, before a launch is tried in another subnet. */
int cloud_network_moved(struct ec2_session *session, const struct cloud_network *network, size_t to,
                        int64_t until_ms, struct mir_error *err);
/* An address that is kept: found or made, and given to the instance's interface. */
int cloud_address_give(const struct cloud *cloud, struct ec2_session *session,
                       const struct mir_instance_spec *spec, const struct ec2_instance *instance,
                       int64_t until_ms, struct mir_error *err);
/* look.c */
int cloud_instance_get(void *ctx, const char *token, struct mir_instance *ret,
                       struct mir_error *err);
void cloud_instance_read(const struct ec2_instance *row, struct mir_instance *ret);
/* Was it launched under that token? Tags can be copied to another instance, the token of a launch
 * cannot. */
bool cloud_launched(const struct ec2_instance *row, const char *token);
bool cloud_over(const struct ec2_instance *row); /* terminated */
/* All instances that carry the token. *ret_row is the one that counts among those that were
 * launched under it: one that is not over before one that is; NULL: there is none. */
int cloud_find_instance(const struct cloud *cloud, struct ec2_session *session, const char *token,
                        int64_t until_ms, struct ec2_instances *ret,
                        const struct ec2_instance **ret_row, struct mir_error *err);
/* In which region an instance of a token, or what it has left, is. */
int cloud_find_session(struct cloud *cloud, const char *token, struct ec2_session **ret,
                       struct mir_error *err);
/* remove.c */
int cloud_instance_delete(void *ctx, const char *token, struct mir_error *err);
/* console.c */
int cloud_instance_console(void *ctx, const char *token, uint64_t offset, struct mir_buf *out,
                           uint64_t *ret_next, struct mir_error *err);
/* hooks.c */
int cloud_hooks_arm(void *ctx, const struct mir_lease *lease, struct mir_hook *hooks, size_t max,
                    size_t *ret_count, struct mir_error *err);
void cloud_schedule_name(const char *token, char out[80]);
/* sweep.c */
int cloud_sweep(void *ctx, mir_instance_fn *fn, void *fn_ctx, struct mir_error *err);
int cloud_sweep_place(void *ctx, const struct mir_place *place, mir_instance_fn *fn, void *fn_ctx,
                      struct mir_error *err);
/* note.c */
#define EC2_PARAMETER_TEXT 80
int cloud_caller(void *ctx, struct mir_caller *ret, struct mir_error *err);
int cloud_covered(void *ctx, char ret_places[MIR_PLACES_TEXT], struct mir_error *err);
int cloud_note_put(void *ctx, const char *text, struct mir_error *err);
int cloud_note_get(void *ctx, struct mir_buf *out, struct mir_error *err);
/* check.c */
void cloud_check(void *ctx, struct mir_check *checks, size_t max, size_t *ret_count);

#endif
