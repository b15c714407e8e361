/* SPDX-License-Identifier: ISC */
/*
 * The noun "place": where and as what a deployment runs in a cloud. In a request each part may be
 * left to the provider; a quote (provider.h) decides all of it, and says what it costs.
 *
 * Plain values; pure functions, any thread. JSON form: {"cloud":"mycloud",
 * "region":"eu-central-1","type":"t3.nano",
 * "spot":true,"ipv6_only":true,"keep_address":true,"open":[80,443],"budget":"2.50"}, without the
 * parts that are open.
 */
#ifndef API_PLACE_H
#define API_PLACE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "api/error.h"
#include "api/price.h"

#define MIR_PLACE_TEXT 32 /* cloud, region and type, terminator included */
#define MIR_OPEN_MAX 16

struct mir_place {
    char cloud[MIR_PLACE_TEXT];  /* where one provider knows several: its name; "": the usual one */
    char region[MIR_PLACE_TEXT]; /* "" : the provider's */
    char type[MIR_PLACE_TEXT];   /* machine type or flavor; "": the cheapest that boots it */
    bool spot;                   /* what the cloud may take back at any time, for less */
    bool ipv6_only;
    bool keep_address; /* one that survives a restart: elastic, floating */
    bool open_given;   /* an empty list is a wish too: none */
    unsigned open_count;
    uint16_t open[MIR_OPEN_MAX]; /* TCP ports that the world may reach; decided: 80 and 443 unless
                                    something else was asked for. No number twice. */
    int64_t budget_micro;        /* the most that it may cost until its deadline; 0: no limit */
};

struct mir_quote {
    struct mir_place place; /* decided; all empty where there is no choice of one */
    char family[16];        /* the type's, as in mir_kernel.families; "" where there are none */
    uint64_t memory_bytes;  /* of the type; 0: as much as is asked for */
    struct mir_price price;
    unsigned hooks_off; /* bit i: hook_names[i], which its configuration does not want */
};

/* Letters, digits and "-_." for a cloud and for a region (it becomes part of host names), and a
 * space within for a type; "" is one too. MIR_USAGE. */
int mir_cloud_check(const char *text, struct mir_error *err);
int mir_region_check(const char *text, struct mir_error *err);
int mir_type_check(const char *text, struct mir_error *err);

/* The first part that is asked for and has to be refused where there is no cloud: its option
 * without the dashes ("region"), or NULL when nothing is asked for. A budget is no such part. */
const char *mir_place_asked(const struct mir_place *place);

/* Without --open: 80 and 443. */
void mir_place_default_open(struct mir_place *place);
bool mir_place_opens(const struct mir_place *place, unsigned port);

/* New reference; without the parts that are open. */
json_t *mir_place_to_json(const struct mir_place *place);
/* Absent, null and absent parts: open. MIR_USAGE naming the part. */
int mir_place_from_json(const json_t *json, struct mir_place *ret, struct mir_error *err);

#endif
