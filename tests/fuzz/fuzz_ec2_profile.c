/* SPDX-License-Identifier: ISC */
/* ~/.aws/config and ~/.aws/credentials: read one of them (the first byte says which), ask for all
 * that is in it. */
#include "profile.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(const struct ec2_profiles *list, enum ec2_section kind, const char *name)
{
    const struct ec2_property *p;
    if (!ec2_profiles_has(list, kind, name))
        abort();
    for (size_t i = 0; i < 20 && (p = ec2_profiles_property(list, kind, name, i)); i++)
        if (!*p->key || !p->line || strchr(p->key, '=') ||
            ec2_profiles_get(list, kind, name, p->key, p->sub) != p)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct mir_error err = {0};
    struct ec2_profiles *list = ec2_profiles_new();
    enum ec2_profile_file file = data[0] & 1 ? EC2_FILE_CREDENTIALS : EC2_FILE_CONFIG;
    if (ec2_profiles_parse(list, file, "f", (const char *)data + 1, size - 1, &err)) {
        if (!err.kind || !*err.text)
            abort(); /* every failure says why */
    } else {
        const char *name;
        for (int kind = EC2_SECTION_PROFILE; kind <= EC2_SECTION_SSO_SESSION; kind++)
            for (size_t i = 0; i < 20 && (name = ec2_profiles_name(list, kind, i)); i++)
                ask(list, (enum ec2_section)kind, name);
    }
    ec2_profiles_free(list);
    return 0;
}
