import js from '@eslint/js';
import globals from 'globals';

export default [
    { ignores: ['build/', 'dist/', 'node_modules/'] },
    js.configs.recommended,
    {
        languageOptions: { ecmaVersion: 2024, sourceType: 'module', globals: { ...globals.browser, ...globals.node } },
        rules: {
            eqeqeq: 'error',
            'no-var': 'error',
            'prefer-const': 'error',
            'no-restricted-properties': ['error',
                { property: 'innerHTML', message: 'Text from files is never HTML: use textContent.' },
                { property: 'outerHTML', message: 'Text from files is never HTML: use textContent.' },
                { property: 'insertAdjacentHTML', message: 'Text from files is never HTML: use textContent.' }],
            'no-empty': ['error', { allowEmptyCatch: true }],
            // tsc knows more about names than eslint does: browser types such as PlaneLayout are only types.
            'no-undef': 'off',
            'no-unused-vars': 'off',
        },
    },
];
