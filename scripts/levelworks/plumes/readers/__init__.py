"""Level-1 granules of EMIT, EnMAP and PRISMA, opened and checked."""
