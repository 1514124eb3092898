/** Written into every manifest; the version is package.json's, and a check says so. */
export const TOOL = { name: 'holdfast', version: '0.1.0' } as const;
