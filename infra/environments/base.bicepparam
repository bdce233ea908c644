// What the environments have in common. Put your own values here and into the file of each environment.
using none

param opsEmails = ['mlops@example.com']
param mailDataLocation = 'Europe'
