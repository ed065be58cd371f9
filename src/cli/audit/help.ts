/** What the commands for audit logs say of themselves. */

export const AUDIT_HELP = `Usage: keystone audit verify <file> [--expect <number>:<hash>] [--json]

Whether the lines of an audit log (--auditLog) are those that were written: each
is intact and follows the one before, in <file> and in those that were put aside
(<file>.1, <file>.2, ...). docs/audit.md says what that proves.

  --expect <number>:<hash>  a line that was noted elsewhere, as the log has it of
                            each start and end: it has to be there
  --json                    as JSON

Exit codes: 0 nothing is wrong, 1 something is, 2 wrong usage.
`;
