/* SPDX-License-Identifier: ISC */
/* The kinds of objects: their ids, and what is said of a wrong one. */
#include <stdlib.h>
#include <string.h>

#include "store.h"

static const struct fc_kind kinds[] = {
    {"instance", "i-", 17, "InvalidInstanceID.Malformed", "InvalidInstanceID.NotFound",
     "instance ID", 0},
    {"image", "ami-", 17, "InvalidAMIID.Malformed", "InvalidAMIID.NotFound", "image id", 0},
    {"snapshot", "snap-", 17, "InvalidSnapshotID.Malformed", "InvalidSnapshot.NotFound", "snapshot",
     0},
    {"volume", "vol-", 17, "InvalidVolumeID.Malformed", "InvalidVolume.NotFound", "volume", 0},
    {"network-interface", "eni-", 17, "InvalidNetworkInterfaceId.Malformed",
     "InvalidNetworkInterfaceID.NotFound", "networkInterface ID", 0},
    {"security-group", "sg-", 17, "InvalidGroupId.Malformed", "InvalidGroup.NotFound",
     "security group", FC_KIND_FREE},
    {"subnet", "subnet-", 17, "InvalidSubnetId.Malformed", "InvalidSubnetID.NotFound", "subnet ID",
     FC_KIND_FREE},
    {"vpc", "vpc-", 17, "InvalidVpcID.Malformed", "InvalidVpcID.NotFound", "vpc ID", FC_KIND_FREE},
    {"elastic-ip", "eipalloc-", 17, "InvalidAllocationID.Malformed", "InvalidAllocationID.NotFound",
     "allocation ID", 0},
    {"key-pair", "key-", 17, "InvalidKeyPair.NotFound", "InvalidKeyPair.NotFound", "key pair",
     FC_KIND_FREE},
    {"import-snapshot-task", "import-snap-", 17, "InvalidConversionTaskId.Malformed",
     "InvalidConversionTaskId", "import task", FC_KIND_FREE},
    {"spot-instances-request", "sir-", 8, "InvalidSpotInstanceRequestID.Malformed",
     "InvalidSpotInstanceRequestID.NotFound", "spot instance request ID", FC_KIND_FREE},
    {"bucket", "", 0, NULL, "NoSuchBucket", "bucket", 0},
    {"object", "", 0, NULL, "NoSuchKey", "key", 0},
    {"upload", "", 0, NULL, "NoSuchUpload", "upload", 0},
    {"schedule", "", 0, NULL, "ResourceNotFoundException", "schedule", 0},
    {"parameter", "", 0, NULL, "ParameterNotFound", "parameter", FC_KIND_FREE},
    {"role", "", 0, NULL, "NoSuchEntity", "role", FC_KIND_FREE},
    {"certificate", "", 0, NULL, "NoSuchEntity", "certificate", FC_KIND_HIDDEN},
    {"user", "", 0, NULL, "NoSuchEntity", "user", FC_KIND_HIDDEN},
    {"token", "", 0, NULL, "NoSuchToken", "client token", FC_KIND_HIDDEN},
    {"session", "", 0, NULL, "NoSuchSession", "session", FC_KIND_HIDDEN},
    /* OpenStack: ids are UUIDs, which nobody looks at. */
    {"os-domain", "", 0, NULL, "itemNotFound", "domain", FC_KIND_FREE},
    {"os-project", "", 0, NULL, "itemNotFound", "project", FC_KIND_FREE},
    {"os-role", "", 0, NULL, "itemNotFound", "role", FC_KIND_FREE},
    {"os-user", "", 0, NULL, "itemNotFound", "user", FC_KIND_FREE},
    {"os-token", "", 0, NULL, "itemNotFound", "token", FC_KIND_HIDDEN},
    {"os-application-credential", "", 0, NULL, "itemNotFound", "application-credential",
     FC_KIND_FREE},
    {"os-image", "", 0, NULL, "itemNotFound", "image", 0},
    {"os-server", "", 0, NULL, "itemNotFound", "server", 0},
    {"os-keypair", "", 0, NULL, "itemNotFound", "keypair", FC_KIND_FREE},
    {"os-network", "", 0, NULL, "itemNotFound", "network", 0},
    {"os-subnet", "", 0, NULL, "itemNotFound", "subnet", FC_KIND_FREE},
    {"os-router", "", 0, NULL, "itemNotFound", "router", 0},
    {"os-port", "", 0, NULL, "itemNotFound", "port", 0},
    {"os-security-group", "", 0, NULL, "itemNotFound", "security-group", FC_KIND_FREE},
    {"os-security-group-rule", "", 0, NULL, "itemNotFound", "security-group-rule", FC_KIND_FREE},
    {"os-volume", "", 0, NULL, "itemNotFound", "volume", 0},
    {"os-volume-snapshot", "", 0, NULL, "itemNotFound", "snapshot", 0},
    {"os-workflow", "", 0, NULL, "itemNotFound", "workflow", FC_KIND_FREE},
    {"os-cron-trigger", "", 0, NULL, "itemNotFound", "cron trigger", FC_KIND_FREE},
    {"os-execution", "", 0, NULL, "itemNotFound", "execution", FC_KIND_FREE},
    {"os-lease", "", 0, NULL, "itemNotFound", "lease", 0},
    {"os-account", "", 0, NULL, "itemNotFound", "account", FC_KIND_HIDDEN},
    {"os-container", "", 0, NULL, "itemNotFound", "container", 0},
    {"os-object", "", 0, NULL, "itemNotFound", "object", 0},
    {"os-floating-ip", "", 0, NULL, "itemNotFound", "floating-ip", 0},
    {"clock", "", 0, NULL, "NoSuchClock", "clock", FC_KIND_HIDDEN},
};

const struct fc_kind *fc_kind_find(const char *name)
{
    for (size_t i = 0; i < MIR_NELEMS(kinds); i++)
        if (!strcmp(kinds[i].name, name))
            return &kinds[i];
    abort();
}

unsigned fc_kind_index(const struct fc_kind *kind)
{
    return (unsigned)(kind - kinds);
}

_Static_assert(MIR_NELEMS(kinds) <= FC_KINDS, "FC_KINDS is too small");

bool fc_kind_id_valid(const struct fc_kind *kind, const char *id)
{
    size_t prefix = strlen(kind->prefix);
    if (!prefix)
        return *id != '\0';
    if (!strcmp(kind->prefix, "ami-") && !strncmp(id, "aki-", 4)) /* kernels are images, too */
        return strspn(id + 4, "0123456789abcdef") == 8 && id[12] == '\0';
    if (strncmp(id, kind->prefix, prefix) != 0)
        return false;
    size_t hex = strspn(id + prefix, "0123456789abcdef");
    return (hex == kind->digits || hex == 8) && id[prefix + hex] == '\0';
}

const struct fc_kind *fc_kind_of_id(const char *id)
{
    for (size_t i = 0; i < MIR_NELEMS(kinds); i++)
        if (*kinds[i].prefix && fc_kind_id_valid(&kinds[i], id))
            return &kinds[i];
    return NULL;
}
