/* SPDX-License-Identifier: ISC */
#include "refusal.h"

#include <stdarg.h>
#include <stdio.h>

#include "api/memory.h"

/* One row per denial: what the four families of services answer. The codes of EC2 tell an attacker
 * nothing; those of S3 tell the most. */
static const struct {
    int status;
    const char *code;
} denials[FC_DENY_COUNT][FC_PROTOCOL_COUNT] = {
    [FC_DENY_NONE] = {{500, "InternalError"},
                      {500, "InternalFailure"},
                      {500, "InternalFailure"},
                      {500, "InternalError"}},
    [FC_DENY_UNSIGNED] = {{401, "AuthFailure"},
                          {403, "MissingAuthenticationToken"},
                          {403, "MissingAuthenticationTokenException"},
                          {403, "AccessDenied"}},
    [FC_DENY_MALFORMED] = {{401, "AuthFailure"},
                           {400, "IncompleteSignature"},
                           {400, "IncompleteSignatureException"},
                           {400, "AuthorizationHeaderMalformed"}},
    [FC_DENY_HEADERS] = {{401, "AuthFailure"},
                         {403, "SignatureDoesNotMatch"},
                         {403, "InvalidSignatureException"},
                         {403, "AccessDenied"}},
    [FC_DENY_SCOPE] = {{401, "AuthFailure"},
                       {403, "SignatureDoesNotMatch"},
                       {403, "InvalidSignatureException"},
                       {400, "AuthorizationHeaderMalformed"}},
    [FC_DENY_KEY] = {{401, "AuthFailure"},
                     {403, "InvalidClientTokenId"},
                     {403, "UnrecognizedClientException"},
                     {403, "InvalidAccessKeyId"}},
    [FC_DENY_TOKEN] = {{401, "AuthFailure"},
                       {403, "InvalidClientTokenId"},
                       {403, "UnrecognizedClientException"},
                       {400, "InvalidToken"}},
    [FC_DENY_TOKEN_EXPIRED] = {{400, "RequestExpired"},
                               {403, "ExpiredToken"},
                               {403, "ExpiredTokenException"},
                               {400, "ExpiredToken"}},
    [FC_DENY_SKEW] = {{400, "RequestExpired"},
                      {403, "SignatureDoesNotMatch"},
                      {403, "InvalidSignatureException"},
                      {403, "RequestTimeTooSkewed"}},
    [FC_DENY_EXPIRED] = {{400, "RequestExpired"},
                         {403, "SignatureDoesNotMatch"},
                         {403, "InvalidSignatureException"},
                         {403, "AccessDenied"}},
    [FC_DENY_PAYLOAD] = {{401, "AuthFailure"},
                         {403, "SignatureDoesNotMatch"},
                         {403, "InvalidSignatureException"},
                         {400, "XAmzContentSHA256Mismatch"}},
    [FC_DENY_PAYLOAD_FORM] = {{401, "AuthFailure"},
                              {403, "SignatureDoesNotMatch"},
                              {403, "InvalidSignatureException"},
                              {400, "InvalidRequest"}},
    [FC_DENY_SIGNATURE] = {{401, "AuthFailure"},
                           {403, "SignatureDoesNotMatch"},
                           {403, "InvalidSignatureException"},
                           {403, "SignatureDoesNotMatch"}},
};

int fc_refuse(struct fc_refusal *refusal, int status, const char *code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    refusal->status = status;
    mir_copy(refusal->code, sizeof refusal->code, code);
    vsnprintf(refusal->message, sizeof refusal->message, fmt, ap);
    va_end(ap);
    return -1;
}

int fc_refuse_denial(struct fc_refusal *refusal, enum fc_protocol protocol, enum fc_denial denial,
                     const struct mir_error *why)
{
    return fc_refuse(refusal, denials[denial][protocol].status, denials[denial][protocol].code,
                     "%s", why->text);
}
