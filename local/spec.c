/* SPDX-License-Identifier: ISC */
#include "spec.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "api/cleanup.h"
#include "api/file.h"
#include "api/json.h"
#include "api/memory.h"
#include "dir.h"

static const char *const how_names[LOCAL_HOW_COUNT] = {"qemu-kernel", "qemu-disk", "solo5-spt",
                                                       "solo5-hvt"};

const char *local_how_name(enum local_how how)
{
    return (unsigned)how < LOCAL_HOW_COUNT ? how_names[how] : "";
}

int local_how_by_name(const char *name)
{
    for (int i = 0; i < LOCAL_HOW_COUNT; i++)
        if (!strcmp(how_names[i], name))
            return i;
    return -1;
}

/* The text fields: one row per field, for both directions. */
#define TEXT(field)                                                                                \
    {                                                                                              \
#field, offsetof(struct local_spec, field), sizeof(((struct local_spec *)0)->field)        \
    }
static const struct text_field {
    const char *name;
    size_t offset, size;
} text_fields[] = {
    TEXT(name),
    TEXT(program),
    TEXT(kernel),
    TEXT(disk_format),
    TEXT(machine),
    TEXT(accelerator),
    TEXT(arguments),
    {"installation", offsetof(struct local_spec, tags.installation), MIR_ID_TEXT},
    {"deployment", offsetof(struct local_spec, tags.deployment), MIR_ID_TEXT},
    {"signature", offsetof(struct local_spec, tags.signature), 65},
};

#define FLAG(field)                                                                                \
    {                                                                                              \
#field, offsetof(struct local_spec, field)                                                 \
    }
static const struct flag_field {
    const char *name;
    size_t offset;
} flag_fields[] = {FLAG(sandbox), FLAG(solo5_exit), FLAG(tell_deadline)};

static json_t *ports_to_json(const struct local_spec *spec)
{
    json_t *ports = json_array();
    for (unsigned i = 0; i < spec->port_count; i++)
        json_array_append_new(ports, json_pack("{s:s,s:i,s:i}", "address", spec->ports[i].address,
                                               "host", (int)spec->ports[i].host_port, "guest",
                                               (int)spec->ports[i].guest_port));
    return ports;
}

char *local_spec_text(const struct local_spec *spec)
{
    const char *base = (const char *)spec;
    json_t *json =
        json_pack("{s:s,s:I,s:I,s:I,s:i,s:o}", "how", local_how_name(spec->how), "expires_s",
                  (json_int_t)spec->tags.expires_s, "deadline_s", (json_int_t)spec->deadline_s,
                  "memory_bytes", (json_int_t)spec->memory_bytes, "nics", (int)spec->nic_count,
                  "ports", ports_to_json(spec));
    for (size_t i = 0; i < MIR_NELEMS(text_fields); i++)
        json_object_set_new(json, text_fields[i].name, json_string(base + text_fields[i].offset));
    for (size_t i = 0; i < MIR_NELEMS(flag_fields); i++) {
        bool flag;
        memcpy(&flag, base + flag_fields[i].offset, sizeof flag);
        json_object_set_new(json, flag_fields[i].name, json_boolean(flag));
    }
    json_object_set_new(json, "hardware", mir_machine_to_json(&spec->hardware));
    char *text = mir_json_text(json);
    json_decref(json);
    return text;
}

static int read_port(const json_t *json, struct mir_port *ret)
{
    const char *address;
    int host, guest;
    struct in_addr parsed;
    if (json_unpack_ex((json_t *)(uintptr_t)json, NULL, JSON_STRICT, "{s:s,s:i,s:i}", "address",
                       &address, "host", &host, "guest", &guest))
        return -1;
    if (host < 1 || host > 65535 || guest < 1 || guest > 65535 ||
        inet_pton(AF_INET, address, &parsed) != 1 ||
        mir_copy(ret->address, sizeof ret->address, address))
        return -1;
    ret->host_port = (uint16_t)host;
    ret->guest_port = (uint16_t)guest;
    return 0;
}

static int read_fields(const json_t *json, struct local_spec *spec)
{
    char *base = (char *)spec;
    for (size_t i = 0; i < MIR_NELEMS(text_fields); i++) {
        const json_t *value = json_object_get(json, text_fields[i].name);
        if (!json_is_string(value) ||
            mir_copy(base + text_fields[i].offset, text_fields[i].size, json_string_value(value)))
            return -1;
    }
    for (size_t i = 0; i < MIR_NELEMS(flag_fields); i++) {
        const json_t *value = json_object_get(json, flag_fields[i].name);
        bool flag = json_is_true(value);
        if (!json_is_boolean(value))
            return -1;
        memcpy(base + flag_fields[i].offset, &flag, sizeof flag);
    }
    return 0;
}

/* What the keeper acts on. */
static int in_order(const struct local_spec *spec)
{
    bool cards = spec->nic_count <= LOCAL_NICS_MAX &&
                 (spec->nic_count == 0 || spec->hardware.nic != MIR_CARD_NONE);
    return cards && spec->deadline_s > 0 && mir_id_valid(spec->tags.deployment) &&
           mir_name_valid(spec->name) && *spec->program == '/' && *spec->kernel == '/';
}

static int read_spec(json_t *json, struct local_spec *spec)
{
    const char *how;
    json_int_t expires_s, deadline_s, memory_bytes;
    int nics;
    json_t *ports;
    if (json_unpack(json, "{s:s,s:I,s:I,s:I,s:i,s:o}", "how", &how, "expires_s", &expires_s,
                    "deadline_s", &deadline_s, "memory_bytes", &memory_bytes, "nics", &nics,
                    "ports", &ports) ||
        mir_machine_from_json(json_object_get(json, "hardware"), &spec->hardware, NULL) ||
        read_fields(json, spec))
        return -1;
    int how_index = local_how_by_name(how);
    if (how_index < 0 || nics < 0 || memory_bytes <= 0 || !json_is_array(ports) ||
        json_array_size(ports) > MIR_PORTS_MAX)
        return -1;
    spec->how = (enum local_how)how_index;
    spec->nic_count = (unsigned)nics;
    spec->tags.expires_s = expires_s;
    spec->deadline_s = deadline_s;
    spec->memory_bytes = (uint64_t)memory_bytes;
    for (size_t i = 0; i < json_array_size(ports); i++)
        if (read_port(json_array_get(ports, i), &spec->ports[spec->port_count++]))
            return -1;
    return in_order(spec) ? 0 : -1;
}

int local_spec_parse(const char *text, size_t len, struct local_spec *ret, struct mir_error *err)
{
    json_t *json = mir_json_parse(text, len, LOCAL_JSON_MAX, err);
    if (!json)
        return mir_error_wrap(err, LOCAL_SPEC_FILE);
    struct local_spec *spec = mir_calloc(1, sizeof *spec);
    int rc = read_spec(json, spec);
    if (rc)
        mir_fail(err, MIR_CORRUPT, LOCAL_SPEC_FILE " is not what this program writes");
    else
        *ret = *spec;
    free(spec);
    json_decref(json);
    return rc;
}

int local_spec_load(int dir_fd, struct local_spec *ret, struct mir_error *err)
{
    char path[LOCAL_FD_PATH];
    mir_auto_free char *text = NULL;
    size_t len;
    local_fd_path(dir_fd, LOCAL_SPEC_FILE, path);
    if (mir_file_read(path, LOCAL_JSON_MAX, &text, &len, err))
        return -1;
    return local_spec_parse(text, len, ret, err);
}

int local_spec_save(int dir_fd, const struct local_spec *spec, struct mir_error *err)
{
    mir_auto_free char *text = local_spec_text(spec);
    /* Read back first: what the keeper could not read (a path that is not UTF-8) must not start. */
    mir_auto_free struct local_spec *back = mir_calloc(1, sizeof *back);
    if (local_spec_parse(text, strlen(text), back, err))
        return mir_error_wrap(err, "cannot describe the instance");
    return local_dir_replace(dir_fd, LOCAL_SPEC_FILE, text, err);
}
