# SPDX-License-Identifier: ISC
"""What is to go wrong where, as one word: MODE:NAME#N at the N-th passage of the daemon's fault
point NAME (api/fault.h), keeper:MODE:NAME#N at one of its keepers', call:MODE:ROLE.CALL.WHAT#N at
a call of any process (meddle.h). MODE is kill, fail-before, fail-after or hang."""

MODES = ('kill', 'fail-before', 'fail-after', 'hang')
KEEPER, CALL = 'keeper:', 'call:'


class Plan:
    def __init__(self, text):
        self.text = text
        self.kind = next((k for k in (KEEPER, CALL) if text.startswith(k)), '')
        self.mode, point = text.removeprefix(self.kind).split(':', 1)
        self.name, number = point.rsplit('#', 1)
        self.number = int(number)
        assert self.mode in MODES, text

    def hits(self, roles):
        """Does it hurt a process of one of these roles?"""
        role = {KEEPER: 'keeper', '': 'daemon'}.get(self.kind) or self.name.split('.')[0]
        return role in roles

    def env(self):
        """For the daemon; a call's plan goes with the page (Meddle.env)."""
        variable = {KEEPER: 'MIRAGE_DEPLOY_KEEPER_FAULT', '': 'MIRAGE_DEPLOY_FAULT'}.get(self.kind)
        return {variable: self.text.removeprefix(self.kind)} if variable else {}

    def call(self):
        return self.text.removeprefix(CALL) if self.kind == CALL else None

    def reached(self, counted, planned):
        """By what was counted (victim.points) and the page's own count."""
        if self.kind == CALL:
            return planned >= self.number
        return counted[self.kind + self.name] >= self.number
